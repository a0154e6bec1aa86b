import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { api, TestApp, until } from '../helpers/app.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { RunningAddon } from '../services/running.ts'
import { backup, openTarget } from './backups.ts'

/** Daily backups, of the server, a volume and an add-on, for whose target somebody has to wait. */

const life = new AsyncDisposableStack()
let target: Awaited<ReturnType<typeof openTarget>>
let server: TestServer
let app: TestApp
let cache: RunningAddon

beforeAll(async () => {
  target = life.use(await openTarget())
  // The worker stores dumps there, as a user of its own.
  await chmod(target.directory, 0o711)
  server = life.use(await startServer({ env: target.env }))
  app = life.use(await TestApp.create(server, 'node-hello'))
  cache = await RunningAddon.create(server, 'heroku-redis:mini', app.name)
  await app.api('POST', '/volumes', { name: 'data', mount: '/app/data' })
  const { code, output } = await app.push()
  if (code !== 0) throw new Error(output)
}, 600_000)
afterAll(() => life.disposeAsync())

/** In two minutes at most, in the time zone of the machine. */
function soon(): string {
  const at = new Date(Date.now() + 70_000)
  return `${String(at.getHours()).padStart(2, '0')}:${String(at.getMinutes()).padStart(2, '0')}`
}

type Copy = { status: string; reason: string | null }
type Transfer = { succeeded: boolean | null; finished_at: string | null }
type ServerBackup = { state: { kind: string; reason?: string } }

/** Of each kind what became of its attempts, the newest first. */
async function attempts(): Promise<Record<'server' | 'volume' | 'addon', string[]>> {
  const [{ output }, { body: copies }, { body: transfers }] = await Promise.all([
    backup(server.env, '--list', '--json'),
    app.api<Copy[]>('GET', '/volume-copies'),
    api<Transfer[]>(server, 'GET', `/client/v11/apps/${app.name}/transfers`),
  ])
  return {
    server: (JSON.parse(output) as ServerBackup[]).map(({ state }) => state.kind),
    volume: copies.map(({ status }) => status),
    addon: transfers.map(({ finished_at: end, succeeded }) => (end === null ? 'under way' : String(succeeded))),
  }
}

it('that a target was away for are made when it is back, before the next day', async () => {
  await server.interrupt()
  server.env['PAAS_BACKUP_AT'] = soon()
  const place = target.env['PAAS_BACKUP_TARGET']!
  await rename(place, `${place}.away`)
  await writeFile(place, 'no directory')
  await server.start()
  using db = new DatabaseSync(join(server.dataDirectory, 'paas.db'), { timeout: 5000 })
  db.prepare('UPDATE backup_schedules SET last_at = ? WHERE addon_id = ?').run(Date.now() - 48 * 3600_000, cache.id)
  const newest = async () => Object.values(await attempts()).map(([one]) => one)
  await until('each has failed', async () => isDeepStrictEqual(await newest(), ['failed', 'failed', 'false']), 150_000)
  await rm(place)
  await rename(`${place}.away`, place)
  await until(
    'each is made',
    async () => isDeepStrictEqual(await newest(), ['succeeded', 'succeeded', 'true']),
    200_000,
  )
}, 400_000)

it('are not made where the disk of the target is not mounted, which looks like a target that never had any', async () => {
  const place = target.env['PAAS_BACKUP_TARGET']!
  const ask = async () => {
    await app.api('POST', '/volume-copies', { kind: 'backup', volume: 'data' })
    await api(server, 'POST', `/client/v11/databases/${cache.name}/backups`)
  }
  await ask()
  expect(await backup(server.env)).toMatchObject({ code: 0 })
  await until('each is made', async () => {
    const { volume, addon } = await attempts()
    return volume[0] === 'succeeded' && addon[0] === 'true'
  })
  await rename(place, `${place}.away`)
  await mkdir(place)
  const refused = await backup(server.env)
  expect(refused.code).toBe(1)
  expect(refused.output).toContain(`The backup target ${place} cannot be used: what was stored there is gone.`)
  await ask()
  await until('each has failed', async () => {
    const { volume, addon } = await attempts()
    return volume[0] === 'failed' && addon[0] === 'false'
  })
  expect(await readdir(place)).toEqual([])

  const [, noted = ''] = /To begin anew there, remove (\S+)/.exec(refused.output) ?? []
  await rename(noted, `${noted}.old`)
  expect(await backup(server.env)).toMatchObject({
    code: 0,
    output: expect.stringContaining('all of it was read back'),
  })
  await rm(place, { recursive: true })
  await rename(`${place}.away`, place)
  expect((await backup(server.env)).code).toBe(0)
}, 120_000)
