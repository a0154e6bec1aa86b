import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../helpers/app.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { RunningAddon } from './running.ts'

const life = new AsyncDisposableStack()
let server: TestServer
let database: RunningAddon

beforeAll(async () => {
  server = life.use(await startServer())
  database = life.use(await RunningAddon.create(server, 'mysql'))
}, 600_000)
afterAll(() => life.disposeAsync())

/** Tables with a foreign key, a view, a trigger, a routine, an event, strange names and bytes. */
const schema = `
CREATE TABLE users (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(40) NOT NULL, picture BLOB);
CREATE TABLE \`visits of \`\`all\` (id INT PRIMARY KEY AUTO_INCREMENT, user INT, FOREIGN KEY (user) REFERENCES users (id));
CREATE TABLE noted (what TEXT);
INSERT INTO users (name, picture) VALUES ('Ünï', x'00ff0a'), ('O''Hara DEFINER=\`x\`@\`y\`', NULL);
INSERT INTO \`visits of \`\`all\` (user) VALUES (1), (1), (2);
CREATE VIEW busy AS SELECT name, COUNT(*) AS n FROM users JOIN \`visits of \`\`all\` v ON v.user = users.id GROUP BY name;
CREATE TRIGGER note AFTER INSERT ON users FOR EACH ROW INSERT INTO noted VALUES (NEW.name);
CREATE FUNCTION twice (n INT) RETURNS INT DETERMINISTIC RETURN 2 * n;
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM noted;
`

async function sql(text: string): Promise<string> {
  const { code, stdout, stderr } = await database.paas(['mysql:cli'], text)
  expect([code, stderr.replaceAll(/^Connected.*$/gm, '').trim()]).toEqual([0, ''])
  return stdout
}

/** As the scripts beside the server do, of what the server knows of itself. */
async function asAdmin(statement: string, then = ''): Promise<string> {
  const line = `. /usr/lib/paas/service/lib; "\${admin[@]}" information_schema -e "${statement}" ${then}`
  return (await database.shell(line)).trim()
}

/** Keeps one from being moved or removed, until that session or the server ends. */
function holdTable(place: string): Promise<string> {
  const hold = 'START TRANSACTION; SELECT COUNT(*) FROM users; DO SLEEP(600)'
  return database.shell(`. /usr/lib/paas/service/lib; "\${admin[@]}" ${place} -e "${hold}"`)
}

const isWaiting = async () =>
  (await asAdmin("SELECT COUNT(*) FROM processlist WHERE state LIKE 'Waiting for table metadata lock%'")) === '1'

describe('a database of MySQL', () => {
  it('is made with its URL, and spoken to with mysql:cli', async () => {
    expect((await database.config())['DATABASE_URL']).toMatch(/^mysql:\/\/u\w{14}:p\w{64}@mysql-\w{12}:3306\/d\w{14}$/)
    await sql(schema)
    const { stdout } = await database.paas(['mysql:cli', '-e', 'SELECT n FROM busy ORDER BY n; SELECT twice(21)'])
    expect(stdout).toMatch(/1[^]*2[^]*42/)
    expect(await sql("SELECT CONVERT_TZ('2026-01-01 12:00:00', 'UTC', 'Europe/Vienna')")).toContain('13:00:00')
  })

  it('says how it is', async () => {
    expect(await database.info()).toMatchObject({
      Version: expect.stringMatching(/^11\.8\.\d+$/),
      Tables: '3',
      Connections: '0/20',
    })
  })

  it('speaks TLS to its app, which may not see what belongs to the server', async () => {
    expect(await sql('SHOW GRANTS')).not.toMatch(/ALL PRIVILEGES ON \*\.\*|SUPER|FILE/)
    const refused = await database.paas(['mysql:cli', '-e', 'SELECT * FROM mysql.global_priv'])
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('denied')])
    expect(await sql('SHOW VARIABLES LIKE "have_ssl"')).toContain('YES')
  })

  it('gets another password, and the one before is none', async () => {
    const before = (await database.config())['DATABASE_URL']
    await database.paas(['mysql:rotate'])
    await until('it is another one', async () => (await database.config())['DATABASE_URL'] !== before)
    expect(await sql('SELECT COUNT(*) FROM users')).toContain('2')
    const url = new URL(before ?? '')
    const login = await database.program(`client --user=${url.username} --password=${url.password} --host=127.0.0.1`)
    expect(login.stderr).toContain('Access denied')
  })

  it('gives a dump that puts back all it had, and says what is inside', async () => {
    const dump = await database.program('dump')
    expect(dump.code).toBe(0)
    const facts = await database.program('facts')
    expect(facts.stdout).toMatch(
      /^events\t1\nroutines\t1\ntable noted\t0\t\d+\ntable users\t2\t\d+\ntable visits of `all\t3\t\d+\n/,
    )
    await sql('INSERT INTO users (name) VALUES ("late"); DROP VIEW busy; DROP FUNCTION twice')
    expect((await database.program('facts')).stdout).not.toBe(facts.stdout)
    expect(await database.program('load', dump.stdout)).toMatchObject({ code: 0 })
    expect((await database.program('facts')).stdout).toBe(facts.stdout)
    expect(await sql('SELECT HEX(picture), name FROM users ORDER BY id')).toContain('00FF0A')
    expect(await sql('SELECT name FROM users')).toContain("O'Hara DEFINER=`x`@`y`")
    expect(await sql('INSERT INTO users (name) VALUES ("seen"); SELECT what FROM noted')).toContain('seen')
    expect(await sql('SELECT n FROM busy ORDER BY n LIMIT 1; SELECT twice(4)')).toMatch(/1[^]*8/)
  })

  it.each([
    ['nothing', ''],
    ['no dump', 'hello\n'],
    ['a broken one', '-- MariaDB dump\nDROP TABLE IF EXISTS users;\nCREATE TABLE users (;\n-- Dump completed\n'],
    ['half of one', '-- MariaDB dump\nCREATE TABLE half (id INT);\n'],
  ])('stays as it is where what is to be loaded is %s', async (_, dump) => {
    const before = (await database.program('facts')).stdout
    const { code, stderr } = await database.program('load', dump)
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^[^\n]+\n$/)])
    expect((await database.program('facts')).stdout).toBe(before)
  })

  it('that is killed while a load takes the place of what there was has all of the dump when it is back', async () => {
    const dump = await database.program('dump')
    const wanted = (await database.program('facts')).stdout
    await sql('INSERT INTO users (name) VALUES ("late")')
    const held = holdTable('"$SERVICE_DATABASE"')
    const sleeping = "SELECT COUNT(*) FROM processlist WHERE info LIKE 'DO SLEEP%'"
    await until('it is held', async () => (await asAdmin(sleeping)) === '1')
    const loading = database.program('load', dump.stdout)
    await until('the load waits', isWaiting)
    execFileSync('docker', ['kill', await database.container()])
    expect((await loading).code).not.toBe(0)
    await held
    await until('it answers again', async () => (await database.program('health')).code === 0, 60_000)
    expect((await database.program('facts')).stdout).toBe(wanted)
    expect(await asAdmin("SELECT COUNT(*) FROM schemata WHERE schema_name = 'paas_load'")).toBe('0')
  })

  it('keeps its data over the death of its server, and is reset only where that is confirmed', async () => {
    const before = (await database.program('facts')).stdout
    execFileSync('docker', ['kill', await database.container()])
    await until('it answers again', async () => (await database.program('health')).code === 0, 60_000)
    expect((await database.program('facts')).stdout).toBe(before)
    expect((await database.paas(['mysql:reset', '--confirm', 'other'])).code).toBe(1)
    expect((await database.paas(['mysql:reset', '--confirm', database.app])).code).toBe(0)
    await until('it is empty', async () => (await database.info())['Tables'] === '0')
  })
})

it('is called as the add-on was that an app comes with', async () => {
  await using other = await RunningAddon.create(server, 'jawsdb:essential-0')
  expect(Object.keys(await other.config())).toEqual(['JAWSDB_URL'])
})
