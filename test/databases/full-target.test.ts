import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backup, openTarget } from '../backups/backups.ts'
import { api, TestApp, until } from '../helpers/app.ts'
import { watchApp } from '../helpers/load.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { canMount, SmallDisk } from '../helpers/small-disk.ts'
import { Database } from './database.ts'

let server: TestServer
let database: Database
let disk: SmallDisk
const life = new AsyncDisposableStack()

beforeAll(async () => {
  if (!canMount) return
  const target = life.use(await openTarget())
  disk = life.use(new SmallDisk({ mebibytes: 256, inodes: 8192 }))
  // The roles have users of their own.
  await chmod(join(disk.path, '../..'), 0o711)
  server = life.use(await startServer({ env: { ...target.env, PAAS_BACKUP_TARGET: join(disk.path, 'backups') } }))
  database = await Database.create(server)
  await database.untilBackups(({ last_good: good }) => good !== null, 'the first backup is made')
}, 600_000)
afterAll(() => life.disposeAsync())

type Transfer = { uuid: string; finished_at: string | null; succeeded: boolean; logs: { message: string }[] }

/** Its last line. */
async function capture(): Promise<string> {
  const { body } = await api<Transfer>(server, 'POST', `/client/v11/databases/${database.name}/backups`)
  return until(
    'the capture has an end',
    async () => {
      const path = `/client/v11/apps/${database.app}/transfers/${body.uuid}?verbose=true`
      const { finished_at: at, succeeded, logs } = (await api<Transfer>(server, 'GET', path)).body
      return at !== null && `${succeeded ? 'done' : 'failed'}: ${logs.at(-1)?.message}`
    },
    60_000,
  )
}

describe.skipIf(!canMount)('a backup target whose disk is full', () => {
  it('stops backups with that reason, and neither an app, a deploy nor the writes to a database', async () => {
    await using app = await TestApp.create(server, 'node-hello')
    const push = await app.push()
    expect(push.code, push.output).toBe(0)
    expect(await capture()).toMatch(/^done: /)
    expect((await backup(server.env)).code).toBe(0)
    const watch = watchApp(app, /Hello/)
    disk.fill()
    await database.sql('CREATE TABLE later AS SELECT generate_series(1, 100000) AS id')
    expect(await capture()).toMatch(/^failed: .*its disk is full/)
    const whole = await backup(server.env)
    expect([whole.code, whole.output]).toEqual([1, expect.stringContaining('its disk is full')])
    const { problem } = await database.untilBackups((backups) => backups.problem !== null, 'the archive is not stored')
    expect(problem).toMatch(/its disk is full/)
    await app.api('PATCH', '/config-vars', { COLOR: 'green' })
    expect((await app.push('HEAD:refs/deploy/main')).code).toBe(0)
    await database.sql('INSERT INTO later VALUES (0)')
    expect(await database.sql('SELECT count(*) FROM later')).toBe('100001')
    expect((await watch.stop()).failures).toEqual([])

    disk.empty()
    const begin = Date.now()
    await database.untilBackups(
      ({ recovery_point_seconds: lost, problem: now }) => !now && lost !== null && Date.now() - lost * 1000 > begin,
      'all is at the target again',
    )
    expect(await capture()).toMatch(/^done: /)
    expect((await backup(server.env)).code).toBe(0)
    expect(await database.prove()).toMatchObject({ status: 'succeeded', reason: null })
  }, 240_000)
})
