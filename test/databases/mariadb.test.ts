import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command, runProgram } from '../cli/terminal.ts'
import { until } from '../helpers/app.ts'
import { rolePid } from '../helpers/processes.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { Database } from './database.ts'

let server: TestServer
let database: Database
const life = new AsyncDisposableStack()

beforeAll(async () => {
  server = life.use(await startServer())
  database = await Database.create(server, undefined, 'mysql')
  await database.sql('CREATE TABLE visits (id INT PRIMARY KEY, name TEXT)')
  await database.sql("INSERT INTO visits SELECT seq, CONCAT('visitor ', seq) FROM seq_1_to_1000")
  await database.untilBackups(({ last_good: good }) => good !== null, 'the first backup is made')
}, 600_000)
afterAll(() => life.disposeAsync())

/** The next full second of the database's clock, once that has come: events have whole seconds. */
async function nextSecond(): Promise<string> {
  const at = await database.sql('SELECT DATE_FORMAT(NOW() + INTERVAL 1 SECOND, "%Y-%m-%d %H:%i:%S+00")')
  await until('that second is over', async () => (await database.sql(`SELECT NOW() > '${at.slice(0, 19)}'`)) === '1')
  return at
}

const paas = (argv: string[]) =>
  runProgram(command, argv, { env: { ...server.env, PAAS_URL: server.url, PAAS_TOKEN: server.token } })

describe('a database of MariaDB', () => {
  it('is backed up by itself, and says how much would be lost', async () => {
    const { kind, last_good: good, recovery_point_seconds: seconds, problem } = await database.backups()
    expect([kind, problem, good!.name]).toEqual(['continuous', null, expect.stringMatching(/^\d{8}-\d{6}F$/)])
    expect(seconds).toBeLessThanOrEqual(60)
  })

  it('that nobody writes to begins no file of its log, and is in the archive all the same', async () => {
    const archived = () => database.inContainer('/usr/lib/paas/service/archived')
    await archived()
    const files = await database.inContainer('ls /backups/repo/log')
    expect(await archived()).toMatch(/^until\t\d+$/)
    expect(await database.inContainer('ls /backups/repo/log')).toBe(files)
    await database.sql("UPDATE visits SET name = 'somebody' WHERE id = 1")
    await archived()
    expect(await database.inContainer('ls /backups/repo/log')).not.toBe(files)
  })

  it('has an archive that is of no use without its key', async () => {
    await database.sql("INSERT INTO visits VALUES (1002, 'plainly to be read')")
    await database.inContainer('/usr/lib/paas/service/archived')
    const found = await database.inContainer(
      'grep -rl plainly /backups/repo || true; file() { head -c 8 "$1"; }; file /backups/repo/log/*',
    )
    expect(found).toMatch(/^Salted__/)
  })

  it('whose table was dropped gets it back as it was to the second, to be looked at and promoted', async () => {
    await database.sql("INSERT INTO visits VALUES (1001, 'the last one')")
    const at = await nextSecond()
    await database.sql('DROP TABLE visits')
    const restored = await paas(['mysql:restore', '--at', at, '-a', database.app])
    expect([restored.code, restored.stderr]).toEqual([0, expect.stringContaining('mysql:promote')])
    const fork = restored.stdout.trim().split('\n').at(-1)!
    const query = "SELECT CONCAT(COUNT(*), ' ', MAX(IF(id = 1001, name, NULL))) AS found FROM visits"
    const looked = await paas(['mysql:cli', fork, '-e', query, '-a', database.app])
    expect(looked.stdout).toContain('1002 the last one')
    await expect(database.sql('SELECT 1 FROM visits')).rejects.toThrow("doesn't exist")
    expect((await paas(['mysql:promote', fork, '-a', database.app])).code).toBe(0)
    const outside = await paas(['mysql:restore', database.name, '--at', '2020-01-01 00:00', '-a', database.app])
    expect([outside.code, outside.stderr]).toEqual([1, expect.stringMatching(/can be restored as it was from .* to /)])
  })

  it('comes back as it was before a transaction', async () => {
    await database.sql('CREATE TABLE orders AS SELECT seq AS id FROM seq_1_to_10')
    const gtid = await database.sql('DELETE FROM orders; SELECT @@last_gtid')
    await database.sql('CREATE TABLE later (id INT)')
    const fork = await database.restore({ before_xid: gtid.split('-').at(-1) })
    expect(await fork.sql('SELECT COUNT(*) FROM orders')).toBe('10')
    await expect(fork.sql('SELECT 1 FROM later')).rejects.toThrow("doesn't exist")
  })

  it('comes back as late as it can although the worker is killed in the midst of it', async () => {
    await database.sql('CREATE TABLE latest AS SELECT 42 AS answer')
    const fork = await database.beginRestore({ at: 'latest' })
    await until('the container of the fork is there', async () => (await fork.container()) !== '', 120_000)
    process.kill(rolePid(server.pid, 'worker'), 'SIGKILL')
    await fork.made()
    expect(await fork.sql('SELECT answer FROM latest')).toBe('42')
    const { last_good: good } = await fork.untilBackups(({ last_good: one }) => one !== null, 'the fork is backed up')
    expect(good!.name).toMatch(/F$/)
  })
})

describe('a proof', () => {
  it('restores the newest backup, and finds what was noted', async () => {
    const proof = await database.prove()
    expect(proof).toMatchObject({ status: 'succeeded', reason: null })
    expect((await database.backups()).last_proven).toMatchObject({ compared: true })
  })

  it('notices a backup that is damaged', async () => {
    const { last_good: good } = await database.backups()
    const file = `/backups/repo/backup/${good!.name}.xbs`
    await database.inContainer(`printf damage | dd of=${file} bs=1 seek=50000 conv=notrunc`)
    const proof = await database.prove()
    expect([proof.status, proof.reason]).toEqual(['failed', expect.stringContaining('is damaged')])
  })
})

describe('an archive', () => {
  it('keeps what differs since the last full backup, and what is older than the window goes', async () => {
    const argv = ['/usr/lib/paas/service/backup', 'diff']
    await database.sql('CREATE TABLE differs AS SELECT 1 AS one')
    const made = (await database.inContainer(argv.join(' '))).split('\n')
    expect(made.at(-1)).toMatch(/^\d{8}-\d{6}F_\d{8}-\d{6}D\tdiff\t/)
    const left = await database.inContainer('BACKUP_DAYS=0 /usr/lib/paas/service/backup diff')
    expect(left.split('\n').map((line) => line.split('\t')[1])).toEqual(['full', 'diff', 'diff'])
  })
})
