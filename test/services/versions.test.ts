import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mirrorLines } from '../../src/build/stack/mirror.ts'
import { debianKeyring } from '../../src/build/stack/rootfs.ts'
import { api, until } from '../helpers/app.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { HerokuUser } from '../heroku/user.ts'
import { RunningAddon } from './running.ts'

/**
 * Debian 12 has PostgreSQL 15, where the stack, Debian 13, has 17: it is the other source here, as
 * PGDG is elsewhere.
 */
const [, url] = (await mirrorLines('bookworm')).find((line) => line.endsWith(' bookworm main'))?.split(' ') ?? []
const life = new AsyncDisposableStack()
let server: TestServer
let database: RunningAddon

beforeAll(async () => {
  if (url === undefined) return
  const env = { PAAS_PACKAGE_SOURCE: `${url} bookworm main`, PAAS_PACKAGE_SOURCE_KEY: debianKeyring }
  server = life.use(await startServer({ env }))
  database = life.use(await RunningAddon.create(server, 'postgresql', undefined, { version: '15' }))
}, 600_000)
afterAll(() => life.disposeAsync())

async function sql(statement: string): Promise<string> {
  const { stdout, stderr } = await database.paas(['pg:psql', '-c', statement])
  return stdout + stderr
}

describe.skipIf(url === undefined)('a database of another version', () => {
  it('runs that version, with only what Debian lacks from the other source', async () => {
    expect(await sql('SHOW server_version')).toContain('15.')
    expect((await database.info())['PG Version']).toMatch(/^15\./)
    const [image] = JSON.parse(
      execFileSync('docker', ['inspect', '--format', '[{{json .Image}}]', await database.container()], {
        encoding: 'utf8',
      }),
    ) as [string]
    const list = "dpkg-query --show --showformat '${Package} ${Version}\\n'"
    const packages = execFileSync('docker', ['run', '--rm', '--network=none', image, 'bash', '-c', list], {
      encoding: 'utf8',
    })
    const ofBookworm = packages.split('\n').filter((line) => /deb12|^libicu72|^libllvm14/.test(line))
    expect(ofBookworm.map((line) => line.split(' ')[0])).toEqual(
      expect.arrayContaining(['libicu72', 'libllvm14', 'postgresql-15', 'postgresql-client-15']),
    )
    for (const name of ['libc6', 'libssl3t64', 'postgresql-common', 'libpq5']) {
      expect(ofBookworm.find((line) => line.startsWith(`${name} `))).toBeUndefined()
    }
  })

  it('is backed up, and copied in that version', async () => {
    await sql("CREATE TABLE visits AS SELECT n, 'visitor ' || n AS name FROM generate_series(1, 1000) AS n")
    await until('it has a backup', async () => (await backupsOf(database.id)).last_good !== null, 60_000)
    expect((await database.program('facts')).stdout).toMatch(/^public\.visits\t1000\t/m)
  })
})

describe.skipIf(url === undefined)('an upgrade', () => {
  it('is tried on a copy, which says how long it takes and leaves everything as it is', async () => {
    const { code, stdout, stderr } = await database.paas(['pg:upgrade:dryrun'])
    expect([code, stderr]).toEqual([0, expect.stringContaining('Upgrading a copy')])
    expect(stdout).toMatch(/Writes will be refused for about \d+ s, as the copy took, and \d+ s at most: what takes/)
    expect(await sql('SHOW server_version')).toContain('15.')
    await expect.poll(() => namesLike('rehearsal')).toBe('')
    // An image with both versions is made first.
  }, 400_000)

  it('that takes longer than was announced is given up, and the old one is written again', async () => {
    const upgrade = `/client/v11/databases/${database.id}/upgrade`
    await api(server, 'POST', `${upgrade}/run`, { body: {} })
    const copy = await until('a copy is being made', async () => {
      const { body } = await api<{ id: string }[]>(server, 'GET', `/apps/${database.app}/addons`)
      return body.find(({ id }) => id !== database.id)
    })
    const container = await until('it runs', async () => containerOf(copy.id, 'running'))
    // Restoring into it waits for whoever restores into it already.
    execFileSync('docker', ['exec', '--detach', container, 'flock', '/tmp/restore.lock', 'sleep', '600'])
    const { DATABASE_URL: url = '' } = await database.config()
    expect(await psql(url, 'CREATE TABLE late ()')).toContain('read-only transaction')
    type Status = { 'error?': boolean; message: string; longest_hold_seconds: number }
    const status = async () => (await api<Status>(server, 'GET', `${upgrade}/wait_status`)).body
    const { longest_hold_seconds: most } = await status()
    await until('it is given up', async () => (await status())['error?'], most * 1000 + 5000)
    const { message } = await status()
    expect(message).toContain(`goes on as it was: It was not done in ${most} s, and writes are held no longer.`)
    await until(
      'it can be written',
      async () => (await psql(url, 'CREATE TABLE late ()')).includes('CREATE TABLE'),
      5000,
    )
    await until('nothing is left of the copy', async () => containerOf(copy.id) === undefined)
  }, 120_000)

  it('loses no row that was taken, and puts the new one in the place of the old one', async () => {
    await sql('CREATE TABLE marks (n int PRIMARY KEY)')
    const before = await database.config()
    const writer = await writeMarks(before['DATABASE_URL']!)
    const upgraded = await database.paas(['pg:upgrade', '--confirm', database.app])
    expect([upgraded.code, upgraded.stderr]).toEqual([0, expect.stringContaining('The old one is kept')])
    const taken = await writer.stop()
    expect(taken.length).toBeGreaterThan(10)

    const after = await database.config()
    expect(after['DATABASE_URL']).not.toBe(before['DATABASE_URL'])
    const kept = Object.entries(after).find(([, url]) => url === before['DATABASE_URL'])
    expect(kept?.[0]).toMatch(/^HEROKU_POSTGRESQL_[A-Z]+_URL$/)
    expect(await sql('SHOW server_version')).toContain('17.')
    expect(await sql('SELECT count(*) FROM marks')).toContain(String(taken.length))
    expect(await sql('SELECT count(*) FROM visits')).toContain('1000')
    const { body: made } = await api<{ id: string }>(database.server, 'GET', `/apps/${database.app}/addons/DATABASE`)
    await until('the new one has a backup', async () => (await backupsOf(made.id)).last_good !== null, 60_000)

    expect(await psql(before['DATABASE_URL']!, 'INSERT INTO marks VALUES (-1)')).toContain('read-only transaction')
    // Which the manifest names, and this source has not.
    const { stderr } = await database.paas(['pg:upgrade', '--version', '18'])
    expect(stderr).toMatch(/was not upgraded, and goes on as it was: .*Unable to locate package postgresql-18/)
    expect(await sql('SHOW server_version')).toContain('17.')
  })

  it('leaves an old one that its owner may go back to', async () => {
    const { body } = await api<{ id: string; name: string }>(database.server, 'GET', `/addons/${database.id}`)
    const { code, stderr } = await database.paas(['addons:attach', body.name, '--as', 'FORMER'])
    expect([code, stderr]).toEqual([0, expect.anything()])
    const url = (await database.config())['FORMER_URL']!
    await until('it can be written', async () =>
      (await psql(url, 'INSERT INTO marks VALUES (-1)')).includes('INSERT 0 1'),
    )
  })
})

/** `prepare`, `dryrun` and `cancel` it refuses itself for plans that are called essential. */
describe.skipIf(url === undefined)("an upgrade by Heroku's own command", () => {
  let user: HerokuUser
  let app = ''
  let old = ''
  const sure = () => ['DATABASE', '-a', app, '--confirm', app]

  beforeAll(async () => {
    user = life.use(await HerokuUser.start(server))
    app = (await api<{ name: string }>(server, 'POST', '/apps', { body: {} })).body.name
    life.defer(async () => void (await api(server, 'DELETE', `/apps/${app}`, { mayFail: true })))
    const plan = 'heroku-postgresql:standard-0'
    await user.succeed(['addons:create', plan, '--wait', '-a', app, '--', '--version', '15'])
    const { body } = await api<{ id: string; name: string }>(server, 'GET', `/apps/${app}/addons/DATABASE`)
    old = body.name
    await query('CREATE TABLE visits AS SELECT generate_series(1, 500) AS n')
    await until('it has a backup', async () => (await backupsOf(body.id)).last_good !== null, 60_000)
  }, 200_000)

  const query = (statement: string) => user.succeed(['pg:psql', '-a', app, '-c', statement])
  const wait = (name: string) =>
    said(user.heroku(['pg:upgrade:wait', name, '--no-notify', '--wait-interval', '1', '-a', app]))

  it('is prepared, waited for and cancelled', async () => {
    const prepared = await said(user.heroku(['pg:upgrade:prepare', ...sure()]))
    expect(prepared).toMatch(/^0 Preparing upgrade on .*done A copy of \S+ is being upgraded to version 17\./)
    const again = await said(user.heroku(['pg:upgrade:run', ...sure()]))
    expect(again).toMatch(/^[^0].*is being upgraded already.* Error ID: upgrade_under_way/)
    const cancelled = await said(user.heroku(['pg:upgrade:cancel', ...sure()]))
    expect(cancelled).toMatch(/^0 Cancelling upgrade on .*done The upgrade of \S+ was cancelled\./)
    expect(await wait(old)).toMatch(/^0 .*\(cancelled\) the upgrade of \S+ was cancelled/)
    const none = await said(user.heroku(['pg:upgrade:cancel', ...sure()]))
    expect(none).toMatch(/^[^0].*is not being upgraded\. Error ID: invalid_params/)
  }, 120_000)

  it('is tried on a copy, in a version that there is', async () => {
    const older = await said(user.heroku(['pg:upgrade:dryrun', ...sure(), '--version', '14']))
    expect(older).toMatch(/^[^0].*runs PostgreSQL 15, and cannot become 14; there is 16, 17, 18/)
    const begun = await said(user.heroku(['pg:upgrade:dryrun', ...sure(), '--version', '17']))
    expect(begun).toMatch(/^0 Starting a test upgrade on .*done A copy of/)
    expect(await wait('DATABASE')).toMatch(
      /^0 .*\(succeeded\) A copy of \S+ was upgraded to version 17\. It took \d+ s/,
    )
    expect(await query('SHOW server_version')).toContain('15.')
  }, 120_000)

  it('is run and waited for, and the database has its rows and the new version', async () => {
    const begun = await said(user.heroku(['pg:upgrade:run', ...sure()]))
    expect(begun).toMatch(/^0 Starting upgrade on .*done \S+ is being upgraded to version 17\./)
    expect(await wait(old)).toMatch(/^0 .*\(succeeded\) \S+ was replaced by \S+ of version 17, and is kept, read-only/)
    expect(await wait('DATABASE')).toMatch(/^0 .*of version 17 took the place of/)
    await user.succeed(['pg:wait', '-a', app])
    expect(await query('SHOW server_version')).toContain('17.')
    expect(await query("SELECT 'rows: ' || count(*) FROM visits")).toContain('rows: 500')
    expect(await user.succeed(['pg:info', 'DATABASE', '-a', app])).toMatch(/PG Version: +17\./)
    expect(await user.succeed(['addons', '-a', app])).toContain(old)
  }, 120_000)

  it('of a plan that is called essential is refused by it, but for the upgrade itself', async () => {
    const refused = await said(user.heroku(['pg:upgrade:dryrun', 'DATABASE', '-a', database.app]))
    expect(refused).toMatch(/^[^0].*You can't use .*pg:upgrade:dryrun on Essential-tier databases/)
    expect(await user.strayConnections()).toEqual([])
  })
})

/** Its exit code and what it shows, in one line. */
async function said(ran: ReturnType<HerokuUser['heroku']>): Promise<string> {
  const { code, stdout, stderr } = await ran
  return `${code} ${stderr} ${stdout}`.replaceAll(/[\s›]+/g, ' ')
}

async function backupsOf(id: string): Promise<{ last_good: object | null }> {
  return (await api<{ last_good: object | null }>(server, 'GET', `/addons/${id}/backups`)).body
}

/** @param state undefined: whatever it does */
function containerOf(id: string, state?: string): string | undefined {
  const filters = [`label=paas.owner=${id}`, ...(state === undefined ? [] : [`status=${state}`])]
  const argv = ['ps', '--all', '--quiet', ...filters.flatMap((filter) => ['--filter', filter])]
  return execFileSync('docker', argv, { encoding: 'utf8' }).trim() || undefined
}

async function namesLike(text: string): Promise<string> {
  const own = ['--filter', `label=paas.server=${await server.serverId()}`, '--filter', `name=${text}`]
  return execFileSync('docker', ['ps', '--all', '--quiet', ...own], { encoding: 'utf8' }).trim()
}

/** As an app does, by the URL, but from beside the old one. */
async function psql(url: string, statement: string): Promise<string> {
  const there = url.replace(/@[^/]+/, '@127.0.0.1:5432')
  const argv = ['exec', await database.container(), 'bash', '-c', `psql '${there}' -c '${statement}' 2>&1; true`]
  return execFileSync('docker', argv, { encoding: 'utf8' })
}

/** Writes a row after the other until it is stopped; gives those that were taken. */
async function writeMarks(url: string): Promise<{ stop: () => Promise<number[]> }> {
  const there = url.replace(/@[^/]+/, '@127.0.0.1:5432')
  const loop = `for ((n = 1; ; n++)); do psql '${there}' -qc "INSERT INTO marks VALUES ($n)" 2>/dev/null && echo $n; read -t 0.02 && exit; done`
  const child = spawn('docker', ['exec', '--interactive', await database.container(), 'bash', '-c', loop])
  const printed = text(child.stdout)
  return {
    stop: async () => {
      child.stdin.end('stop\n')
      await once(child, 'close')
      return (await printed).split('\n').filter(Boolean).map(Number)
    },
  }
}
