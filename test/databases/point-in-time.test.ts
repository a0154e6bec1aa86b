import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../helpers/app.ts'
import { rolePid } from '../helpers/processes.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { Database } from './database.ts'

let server: TestServer
let database: Database
const life = new AsyncDisposableStack()

beforeAll(async () => {
  server = life.use(await startServer())
  database = await Database.create(server)
  await database.sql('CREATE TABLE visits (id int PRIMARY KEY, name text)')
  await database.sql("INSERT INTO visits SELECT n, 'visitor ' || n FROM generate_series(1, 1000) AS n")
  await database.untilBackups(({ last_good: good }) => good !== null, 'the first backup is made')
}, 600_000)
afterAll(async () => {
  await life.disposeAsync()
})

/** The database's clock, which is what a time is compared with. */
async function now(): Promise<string> {
  return database.sql("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'")
}

describe('a database', () => {
  it('is backed up by itself, and says how much would be lost', async () => {
    const { last_good: good, recovery_point_seconds: seconds, where, problem } = await database.backups()
    expect(good).toMatchObject({ name: expect.stringMatching(/^\d{8}-\d{6}F$/) })
    expect([problem, where]).toEqual([null, expect.stringContaining('does not survive')])
    expect(seconds).toBeLessThanOrEqual(60)
  })

  it('that nobody writes to begins no segment of its log, and is in the archive all the same', async () => {
    const asAdmin = (statement: string) =>
      database.inContainer(`psql --host=/tmp --username=postgres -At -c '${statement}' postgres`)
    const ended = () => asAdmin('SELECT pg_snapshot_xmax(pg_current_snapshot())')
    const segment = () => asAdmin('SELECT pg_walfile_name(pg_current_wal_insert_lsn())')
    const archived = () => database.inContainer('/usr/lib/paas/service/archived')
    // PostgreSQL's own analysis of the table is a transaction.
    const segments = await until('a look during which no transaction ended', async () => {
      const before = await ended()
      await archived()
      // As PostgreSQL writes of itself after each segment.
      await asAdmin('SELECT pg_log_standby_snapshot()')
      const seen = [await segment()]
      expect(await archived()).toMatch(/^until\t\d+$/)
      seen.push(await segment())
      return before === (await ended()) && seen
    })
    expect(segments[1]).toBe(segments[0])
    await database.sql("UPDATE visits SET name = 'somebody' WHERE id = 1")
    await archived()
    expect(await segment()).not.toBe(segments[0])
  })

  it('whose table was dropped gets it back as it was to the second', async () => {
    await database.sql("INSERT INTO visits VALUES (1001, 'the last one')")
    const before = await now()
    await database.sql('DROP TABLE visits')
    const fork = await database.restore({ at: before })
    expect(await fork.sql('SELECT count(*), max(name) FILTER (WHERE id = 1001) FROM visits')).toBe('1001|the last one')
    await expect(database.sql('SELECT 1 FROM visits')).rejects.toThrow('does not exist')
  })

  it('comes back as it was before a transaction', async () => {
    await database.sql('CREATE TABLE orders AS SELECT generate_series(1, 10) AS id')
    const xid = await database.sql('DELETE FROM orders; SELECT pg_current_xact_id()')
    await database.sql('CREATE TABLE later ()')
    const fork = await database.restore({ before_xid: xid.split('\n').at(-1) })
    expect(await fork.sql('SELECT count(*) FROM orders')).toBe('10')
  })

  it('comes back as late as it can, with what was written a moment ago', async () => {
    await database.sql('CREATE TABLE latest AS SELECT 42 AS answer')
    const fork = await database.restore({ at: 'latest' })
    expect(await fork.sql('SELECT answer FROM latest')).toBe('42')
    const { last_good: good } = await fork.untilBackups(({ last_good: one }) => one !== null, 'the fork is backed up')
    expect(good!.name).toMatch(/F$/)
  })

  it('comes back although the worker is killed in the midst of it', async () => {
    const fork = await database.beginRestore({ at: 'latest' })
    await until('the container of the fork is there', async () => (await fork.container()) !== '', 120_000)
    process.kill(rolePid(server.pid, 'worker'), 'SIGKILL')
    await fork.made()
    expect(await fork.sql('SELECT answer FROM latest')).toBe('42')
  })
})

describe('a proof', () => {
  it('restores the newest backup, and finds what was noted', async () => {
    const proof = await database.prove()
    expect(proof).toMatchObject({ status: 'succeeded', reason: null })
    const { last_proven: proven, last_good: good } = await database.backups()
    expect(proven!.backup).toBe(good!.name)
  })

  it('notices a backup that is damaged, and tells the log of the app', async () => {
    const { last_good: good } = await database.backups()
    const largest = `find /backups/repo/backup/main/${good!.name} -type f -size +4k -name '*' | xargs ls -S | head -1`
    const file = await database.inContainer(largest)
    await database.inContainer(`printf damage | dd of=${file} bs=1 seek=2000 conv=notrunc`)
    const proof = await database.prove()
    expect(proof.status).toBe('failed')
    expect((await database.backups()).last_disproven!.reason).toBe(proof.reason)
    expect(await database.log()).toMatch(/Error L22 \(backup missing\): .*could not be restored/)
  })
})
