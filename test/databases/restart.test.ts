import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { api, until } from '../helpers/app.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { Database } from './database.ts'

const life = new AsyncDisposableStack()
let server: TestServer
let database: Database

beforeAll(async () => {
  server = life.use(await startServer())
  database = await Database.create(server)
  await database.sql('CREATE TABLE visits AS SELECT 1 AS n')
  await database.untilBackups(({ last_good: good }) => good !== null, 'the first backup is made')
}, 600_000)
afterAll(() => life.disposeAsync())

type Transfer = { succeeded: boolean | null; finished_at: string | null; schedule: object | null }

/** Dumps that a schedule asked for, the newest first. */
async function scheduled(): Promise<Transfer[]> {
  const { body } = await api<Transfer[]>(server, 'GET', `/client/v11/apps/${database.app}/transfers`)
  return body.filter(({ schedule }) => schedule !== null)
}

/** A command in the database's container that says when it holds something, until disposal. */
async function held(command: string): Promise<AsyncDisposable> {
  const argv = ['exec', '--interactive', await database.container(), 'bash', '-c', command]
  const child = spawn('docker', argv, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  await once(child.stdout, 'data')
  return {
    [Symbol.asyncDispose]: async () => {
      child.stdin.end()
      await ended
    },
  }
}

/** As if two days had passed since. */
function age(statement: string): void {
  using db = new DatabaseSync(join(server.dataDirectory, 'paas.db'), { timeout: 5000 })
  db.prepare(statement).run(Date.now() - 48 * 3600_000, database.id)
}

async function restart(): Promise<void> {
  await server.interrupt()
  await server.start()
}

describe('a restart of the server in the midst', () => {
  it('of a backup has it made again at once', async () => {
    {
      await using _lock = await held('exec 9>/tmp/backup.lock; flock 9; echo held; cat')
      age('UPDATE addon_backups SET started_at = ? WHERE addon_id = ?')
      await database.untilBackups(({ backups }) => backups[0]?.status === 'running', 'the next one has begun')
      await restart()
    }
    const { backups } = await database.untilBackups((now) => now.backups[0]?.status === 'succeeded', 'it is made')
    expect(backups.map(({ status }) => status)).toEqual(['succeeded', 'failed', 'succeeded'])
    expect(backups[1]).toMatchObject({ reason: 'The server was stopped in the midst of it.' })
  })

  it('of a dump that a schedule asked for has it made again', async () => {
    const schedules = `/client/v11/databases/${database.name}/transfer-schedules`
    await api(server, 'POST', schedules, { body: { hour: 3, timezone: 'UTC' } })
    {
      const lock = "BEGIN; LOCK TABLE visits IN ACCESS EXCLUSIVE MODE; SELECT 'held';"
      await using _lock = await held(`(echo "${lock}"; cat) | /usr/lib/paas/service/client -At`)
      age('UPDATE backup_schedules SET last_at = ? WHERE addon_id = ?')
      await until('it is under way', async () => (await scheduled()).length === 1, 120_000)
      await until('it waits', async () => /pg_dump/.test(await database.inContainer('cat /proc/[0-9]*/cmdline')))
      await restart()
    }
    const all = await until(
      'it is made',
      async () => {
        const now = await scheduled()
        return now.some(({ succeeded }) => succeeded) && now
      },
      120_000,
    )
    expect(all.map(({ succeeded }) => succeeded)).toEqual(expect.arrayContaining([false, true]))
    expect(all).toHaveLength(2)
    expect(await database.log()).toContain('failed: The server was stopped in the midst of it.')
  })
})
