import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTarget } from '../backups/backups.ts'
import { api, until } from '../helpers/app.ts'
import { rolePid } from '../helpers/processes.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { HerokuUser } from './user.ts'

const run = promisify(execFile)
/** Of this machine, and not its loopback, which is never allowed. */
const address = Object.values(networkInterfaces())
  .flatMap((some) => some ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)!.address

let server: TestServer
let user: HerokuUser
/** Where the backups are. */
let dumps = ''
const life = new AsyncDisposableStack()
const app = 'acme'
const on = ['-a', app]
const sure = [...on, '--confirm', app]
/** The add-ons of the app: the first database, a second one, Redis. */
const names = { first: '', second: '', redis: '' }

beforeAll(async () => {
  const target = life.use(await openTarget())
  await chmod(target.directory, 0o711)
  server = life.use(await startServer({ env: { PAAS_ALLOW_DELIVERIES: `${address}/32`, ...target.env } }))
  dumps = join(target.env['PAAS_BACKUP_TARGET']!, 'dumps')
  user = life.use(await HerokuUser.start(server))
  await api(server, 'POST', '/apps', { body: { name: app } })
  names.first = await create('heroku-postgresql:essential-0')
  names.second = await create('heroku-postgresql:essential-0')
  names.redis = await create('heroku-redis:premium-0')
  await sql(
    'CREATE TABLE visits (id serial PRIMARY KEY, note text); INSERT INTO visits (note) SELECT md5(i::text) FROM generate_series(1, 1000) i',
  )
}, 600_000)
afterAll(async () => {
  await life.disposeAsync()
})

async function create(plan: string): Promise<string> {
  const { body } = await api<{ name: string }>(server, 'POST', `/apps/${app}/addons`, { body: { plan } })
  await until(
    `${body.name} is there`,
    async () => {
      const now = await api<{ state: string }>(server, 'GET', `/addons/${body.name}`)
      return now.body.state === 'provisioned' ? true : undefined
    },
    300_000,
  )
  return body.name
}

async function sql(text: string, database = names.first): Promise<string> {
  const { code, stdout, stderr } = await user.run('paas', ['addons:client', database, ...on, '--', '-qtAc', text])
  if (code !== 0) throw new Error(stderr)
  return stdout.trim()
}

const count = (database?: string) => sql('SELECT count(*) FROM visits', database)

async function transfers(): Promise<
  { num: number; succeeded: boolean; finished_at: string | null; to_type: string }[]
> {
  return (await api<never[]>(server, 'GET', `/client/v11/apps/${app}/transfers`)).body
}

async function container(addon: string): Promise<string> {
  const { body } = await api<{ id: string }>(server, 'GET', `/addons/${addon}`)
  const { stdout } = await run('docker', ['ps', '--all', '--quiet', '--filter', `label=paas.owner=${body.id}`])
  return stdout.trim()
}

describe('backups', () => {
  it('are captured, listed, shown, downloaded and restored', async () => {
    const captured = await user.heroku(['pg:backups:capture', ...on])
    expect([captured.code, captured.stderr]).toEqual([0, expect.stringContaining('to b001')])
    expect(await user.succeed(['pg:backups', ...on])).toMatch(/b001 .*Completed .*[\d.]+KB/)
    const info = await user.succeed(['pg:backups:info', 'b001', ...on])
    expect(info).toMatch(/Status: +Completed[^]*Type: +Manual[^]*what is stored is what was dumped/)
    expect((await readdir(join(dumps, 'snapshots'))).length).toBe(1)
    await user.succeed(['pg:backups:download', '-o', 'mine.dump', ...on])
    expect((await readFile(join(user.home, 'mine.dump'))).subarray(0, 5).toString()).toBe('PGDMP')
    await sql('DROP TABLE visits')
    const restored = await user.heroku(['pg:backups:restore', 'b001', 'DATABASE', ...sure])
    expect([restored.code, restored.stderr]).toEqual([0, expect.stringContaining('Restoring')])
    expect(await count()).toBe('1000')
    expect(await user.succeed(['pg:backups', ...on])).toMatch(/Restores[^]*r002 .*Completed/)
  }, 240_000)

  it('are restored from a URL, as they are from the one that the server gives', async () => {
    const url = (await user.succeed(['pg:backups:url', 'b001', ...on])).trim()
    const fromOwn = await user.heroku(['pg:backups:restore', url, names.second, ...sure])
    expect([fromOwn.code, fromOwn.stderr]).toEqual([0, expect.stringContaining('Restoring')])
    expect(await count(names.second)).toBe('1000')
    const dump = await readFile(join(user.home, 'mine.dump'))
    await using elsewhere = await serve({ '/mine.dump': dump, '/page.html': Buffer.from('<html>none</html>') })
    await sql('DROP TABLE visits', names.second)
    await user.succeed(['pg:backups:restore', `${elsewhere.url}/mine.dump`, names.second, ...sure])
    expect(await count(names.second)).toBe('1000')
    const none = await user.heroku(['pg:backups:restore', `${elsewhere.url}/page.html`, names.second, ...sure])
    expect([none.code, none.stderr]).toEqual([
      expect.any(Number),
      expect.stringMatching(/no dump in the custom\s+format/),
    ])
    expect(none.code).not.toBe(0)
    const gone = await user.heroku(['pg:backups:restore', `${elsewhere.url}/gone`, names.second, ...sure])
    expect(gone.stderr).toMatch(/answers\s+with\s+status\s+404/)
    expect(await count(names.second)).toBe('1000')
  }, 240_000)

  it('of Redis go the same way', async () => {
    await user.run('paas', ['redis:cli', ...on], { input: 'SET greeting hello\n' })
    const captured = await user.run('paas', ['pg:backups:capture', 'REDIS', ...on])
    expect([captured.code, captured.stderr]).toEqual([0, expect.stringContaining('done')])
    await user.run('paas', ['redis:cli', ...on], { input: 'SET greeting bye\n' })
    const name = captured.stdout.trim()
    await user.run('paas', ['pg:backups:restore', name, 'REDIS', ...sure])
    expect((await user.run('paas', ['redis:cli', ...on], { input: 'GET greeting\n' })).stdout).toBe('hello\n')
  }, 120_000)

  it('are made every day from the start, at another hour, or not', async () => {
    expect(await user.succeed(['pg:backups:schedules', ...on])).toMatch(/DATABASE_URL: daily at \d:00 UTC/)
    await user.succeed(['pg:backups:schedule', 'DATABASE_URL', '--at', '04:00 Europe/Berlin', ...on])
    expect(await user.succeed(['pg:backups:schedules', ...on])).toContain('DATABASE_URL: daily at 4:00 Europe/Berlin')
    await user.succeed(['pg:backups:unschedule', 'DATABASE_URL', ...on])
    expect(await user.succeed(['pg:backups:schedules', ...on])).not.toContain('DATABASE_URL:')
    const { stderr } = await user.heroku(['pg:backups:unschedule', 'DATABASE_URL', ...on])
    expect(stderr).toContain('No daily backups found')
  }, 120_000)

  it('are deleted where that is confirmed', async () => {
    expect((await user.heroku(['pg:backups:delete', 'b001', ...on, '--confirm', 'other'])).code).not.toBe(0)
    await user.succeed(['pg:backups:delete', 'b001', ...sure])
    expect(await user.succeed(['pg:backups', ...on])).not.toContain('b001')
  })

  it('under way are cancelled, and leave what there was', async () => {
    const blocker = user.start('paas', ['pg:psql', ...on, '-c', 'BEGIN; LOCK TABLE visits; SELECT pg_sleep(600)'])
    await until('the table is locked', async () =>
      (await sql("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted")) === '0'
        ? undefined
        : true,
    )
    await api(server, 'POST', `/client/v11/databases/${names.first}/backups`)
    await until('it runs', async () => (await transfers()).find((one) => !one.finished_at && one.num))
    await user.succeed(['pg:backups:cancel', ...on])
    await until('it has ended', async () => ((await transfers()).every((one) => one.finished_at) ? true : undefined))
    expect(await user.succeed(['pg:backups:info', ...on])).toContain('Status:           Canceled')
    const { stderr } = await user.heroku(['pg:backups:cancel', ...on])
    expect(stderr).toContain('No active backups/transfers')
    await blocker.stop()
    await user.succeed(['pg:killall', ...on])
    await until('nothing of the dump is left', async () =>
      (await sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_dump'")) === '0'
        ? true
        : undefined,
    )
  }, 120_000)
})

describe('what was under way when the worker or the api is killed', () => {
  it('has failed or succeeded when they are back, and a database has all of what it had or all of the backup', async () => {
    await sql('INSERT INTO visits (note) SELECT repeat(md5(i::text), 50) FROM generate_series(1, 50000) i')
    await user.run('paas', ['pg:backups:capture', ...on])
    const whole = await count()
    const [backup] = (await api<{ to_url: string }[]>(server, 'GET', `/client/v11/apps/${app}/transfers`)).body
    await sql('DELETE FROM visits WHERE id > 10')
    for (const [role, pause] of [
      ['worker', 300],
      ['api', 300],
      ['worker', 1500],
    ] as const) {
      const begun = await api<{ uuid: string }>(server, 'POST', `/client/v11/databases/${names.first}/restores`, {
        body: { backup_url: backup!.to_url },
      })
      await new Promise((wake) => setTimeout(wake, pause))
      process.kill(rolePid(server.pid, role), 'SIGKILL')
      const end = await until(
        'it is settled',
        async () => {
          const now = await api<{ finished_at: string | null; succeeded: boolean }>(
            server,
            'GET',
            `/client/v11/apps/${app}/transfers/${begun.body.uuid}`,
          ).catch(() => undefined)
          return now?.body.finished_at ? now.body : undefined
        },
        60_000,
      )
      const found = await until('the database answers', () => count().catch(() => undefined))
      console.log(
        `the ${role} was killed after ${pause} ms: ${end.succeeded ? 'restored' : 'not restored'}, ${found} rows`,
      )
      expect(end.succeeded ? [whole] : ['10', whole]).toContain(found)
      await sql('DELETE FROM visits WHERE id > 10')
    }
    const captured = await user.run('paas', ['pg:backups:capture', ...on])
    expect([captured.code, captured.stderr]).toEqual([0, expect.stringContaining('done')])
  }, 240_000)
})

describe('a database', () => {
  it('is copied to another, and pulled and pushed', async () => {
    const to = /HEROKU_POSTGRESQL_[A-Z]+/.exec(await user.succeed(['config', ...on]))![0]
    const target = to.replace('HEROKU_POSTGRESQL_', '')
    const copied = await user.heroku(['pg:copy', 'DATABASE', to, ...on, '--confirm', target])
    expect([copied.code, copied.stderr]).toEqual([0, expect.stringContaining('Copying')])
    expect(await count(names.second)).toBe(await count())
    await user.succeed(['pg:reset', names.second, ...sure])
    await until('it is empty', async () =>
      (await sql("SELECT to_regclass('visits') IS NULL", names.second).catch(() => '')) === 't' ? true : undefined,
    )
    const url = (await user.succeed(['config:get', `${to}_URL`, ...on])).trim()
    const pulled = await user.heroku(['pg:pull', 'DATABASE', url, ...on])
    expect([pulled.code, pulled.stdout]).toEqual([0, expect.stringContaining('Pulling complete')])
    expect(await count(names.second)).toBe(await count())
    const source = (await user.succeed(['config:get', 'DATABASE_URL', ...on])).trim()
    const full = await user.heroku(['pg:push', source, names.second, ...on])
    expect(full.stderr).toContain('Remote database is not empty')
    const own = await user.run('paas', ['pg:copy', 'DATABASE', names.second, ...on, '--confirm', names.second])
    expect([own.code, own.stderr]).toEqual([0, expect.stringContaining('done')])
  }, 240_000)

  it('runs a file, has a query killed, and is not upgraded where there is no newer version', async () => {
    await writeFile(join(user.home, 'a.sql'), "SELECT 'from a file';\n")
    expect(await user.succeed(['pg:psql', ...on, '-f', 'a.sql'])).toContain('from a file')
    const sleeper = user.start('paas', ['pg:psql', ...on, '-c', 'SELECT pg_sleep(600)'])
    const pid = await until(
      'it sleeps',
      async () =>
        (await sql(
          "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active' LIMIT 1",
        )) || undefined,
    )
    expect(await user.succeed(['pg:kill', pid, ...on])).toContain('t')
    await until('it ends', async () => (sleeper.shown().includes('canceling statement') ? true : undefined))
    await sleeper.stop()
    const refused = await user.heroku(['pg:upgrade:run', 'DATABASE', ...sure])
    expect([refused.code === 0, refused.stderr.replaceAll(/\s*\n\W*/g, ' ')]).toEqual([
      false,
      expect.stringContaining('runs PostgreSQL 17, which is the newest version'),
    ])
  }, 120_000)

  it('gets another plan and name, and is not opened', async () => {
    await user.succeed(['addons:upgrade', names.second, 'essential-1', ...on])
    expect(await user.succeed(['addons:info', names.second, ...on])).toContain('essential-1')
    await until('it runs so', async () => {
      const { stdout } = await run('docker', [
        'inspect',
        '--format',
        '{{.HostConfig.Memory}}',
        await container(names.second),
      ]).catch(() => ({ stdout: '' }))
      return stdout.trim() === String(512 * 2 ** 20) ? true : undefined
    })
    await user.succeed(['addons:wait', names.second, ...on])
    expect(await until('it answers', () => count(names.second).catch(() => undefined))).toBe(await count())
    await user.succeed(['addons:downgrade', names.second, 'essential-0', ...on])
    expect((await user.heroku(['addons:upgrade', names.second, 'gigantic', ...on])).stderr).toContain('has no plan')
    expect((await user.heroku(['addons:rename', names.second, names.first])).stderr).toContain('already')
    await user.succeed(['addons:rename', names.second, 'acme-spare'])
    expect(await user.succeed(['addons', ...on])).toContain('acme-spare')
    expect((await user.heroku(['addons:open', 'acme-spare', ...on])).stderr).toContain('no page of their own')
    expect(await user.succeed(['addons:plans', 'heroku-postgresql'])).toContain('heroku-postgresql:standard-0')
  }, 120_000)
})

describe('Redis', () => {
  it('has a policy, a time limit, events and a client, which stay over a restart', async () => {
    expect(await user.succeed(['redis:maxmemory', '--policy', 'allkeys-lru', ...on])).toContain('set to allkeys-lru')
    expect(await user.succeed(['redis:timeout', '--seconds', '77', ...on])).toContain('set to 77 seconds')
    expect(await user.succeed(['redis:keyspace-notifications', '-c', 'Ex', ...on])).toMatch(/set to '(Ex|xE)'/)
    const wrong = await user.heroku(['redis:maxmemory', '--policy', 'nonsense', ...on])
    expect([wrong.code === 0, wrong.stderr]).toEqual([false, expect.stringContaining('The policy is one of')])
    await run('docker', ['kill', await container(names.redis)])
    const info = await until('it is back', async () => {
      const asked = 'CONFIG GET timeout\nCONFIG GET notify-keyspace-events\n'
      const { stdout } = await user.run('paas', ['redis:cli', ...on], { input: asked })
      return /\b77\n[^]*\n(Ex|xE)\n/.test(stdout) ? user.succeed(['redis:info', ...on]) : undefined
    })
    expect(info).toMatch(/Maxmemory: +allkeys-lru/)
    const typed = await user.heroku(['redis:cli', ...sure], { input: 'GET greeting\nQUIT\n' })
    expect(typed.stdout).toContain('hello')
    expect(await user.succeed(['redis:credentials', ...on])).toMatch(/^redis:\/\/default:p\w{64}@redis-\w{12}:6379$/m)
  }, 120_000)
})

it('nothing was asked of any other machine', async () => {
  expect(await user.strayConnections()).toEqual([])
})

async function serve(files: Record<string, Buffer>) {
  const server = createServer(({ url = '' }, answer) => {
    const found = files[url]
    answer.writeHead(found ? 200 : 404).end(found)
  })
  await once(server.listen(0, address), 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://${address}:${port}`, [Symbol.asyncDispose]: async () => void server.close() }
}
