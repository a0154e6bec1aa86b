import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { api, TestApp, until } from '../helpers/app.ts'
import { rolePid } from '../helpers/processes.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { HerokuUser } from './user.ts'

const run = promisify(execFile)
/** Milliseconds in which a database is there, its image being made. */
const soon = 5_000

let server: TestServer
let user: HerokuUser
let app: TestApp
const life = new AsyncDisposableStack()

beforeAll(async () => {
  server = life.use(await startServer())
  user = life.use(await HerokuUser.start(server))
  app = life.use(await appWithDatabase())
}, 600_000)
afterAll(async () => {
  await life.disposeAsync()
})

/** Counts rows, of which `/add` adds one; its pool finds the database again after a loss. */
const source = `
const { createServer } = require('node:http')
const { Pool } = require('pg')
const pool = new Pool({ connectionString: process.env.DATABASE_URL, connectionTimeoutMillis: 3000 })
pool.on('error', () => undefined)
createServer(async ({ url }, answer) => {
  try {
    await pool.query('CREATE TABLE IF NOT EXISTS visits (at timestamptz DEFAULT now())')
    if (url === '/add') await pool.query('INSERT INTO visits DEFAULT VALUES')
    const { rows } = await pool.query('SELECT count(*)::int AS n FROM visits')
    answer.end(String(rows[0].n))
  } catch (error) {
    answer.writeHead(500).end(error.message)
  }
}).listen(process.env.PORT)
`

async function appWithDatabase(): Promise<TestApp> {
  const made = await TestApp.create(server, 'node-probe')
  const manifest = {
    name: 'visits',
    version: '1.0.0',
    scripts: { start: 'node server.js' },
    dependencies: { pg: '^8.13.0' },
  }
  await made.repository.write('package.json', JSON.stringify(manifest))
  await made.repository.write('server.js', source)
  await made.repository.write('app.json', '{ "healthcheck": "/" }')
  await made.repository.commit('Count visits')
  return made
}

function on(name = app.name): string[] {
  return ['-a', name]
}

async function create(...argv: string[]): Promise<string> {
  const name = /(\S+) is being created|Created (\S+) as/.exec(await user.succeed(['addons:create', ...argv]))
  return name?.[1] ?? name?.[2] ?? ''
}

async function container(addon: string): Promise<string> {
  const { body } = await api<{ id: string }>(server, 'GET', `/addons/${addon}`)
  const { stdout } = await run('docker', [
    'ps',
    '--all',
    '--quiet',
    '--no-trunc',
    '--filter',
    `label=paas.owner=${body.id}`,
  ])
  return stdout.trim()
}

async function inspect(
  id: string,
): Promise<{ HostConfig: Record<string, unknown>; Config: { User: string; Env: string[] } }> {
  const { stdout } = await run('docker', ['inspect', id])
  return (JSON.parse(stdout) as never[])[0]!
}

async function visits(path = '/'): Promise<string> {
  return (await app.get(path)).body
}

async function countsAgain(count: string): Promise<void> {
  await until('the app counts again', async () => ((await visits()) === count ? true : undefined))
}

describe('a database', () => {
  let name = ''

  it('is made with its URL in a config var, and a push uses it', async () => {
    name = await create('heroku-postgresql:essential-0', '--wait', ...on())
    expect(name).toMatch(/^postgresql-[a-z]+-\d{5}$/)
    expect(await user.succeed(['config:get', 'DATABASE_URL', ...on()])).toMatch(
      /^postgres:\/\/u\w{14}:p\w{64}@postgresql-\w{12}:5432\/d\w{14}$/m,
    )
    expect(await user.succeed(['releases', ...on()])).toContain(`Attach DATABASE (@${name})`)
    const push = await app.push()
    expect([push.code, push.output]).toEqual([0, expect.stringContaining('Released v3')])
    expect(await visits('/add')).toBe('1')
  }, 300_000)

  it('is there within seconds once its image is, and costs little memory', async () => {
    const begin = performance.now()
    const { body } = await api<{ id: string }>(server, 'POST', `/apps/${app.name}/addons`, {
      body: { plan: 'postgresql' },
    })
    await until('it is there', async () => {
      const now = await api<{ state: string }>(server, 'GET', `/addons/${body.id}`)
      return now.body.state === 'provisioned' ? true : undefined
    })
    const took = Math.round(performance.now() - begin)
    const { body: told } = await api<{ info: { name: string; values: string[] }[] }>(
      server,
      'GET',
      `/addons/${body.id}/info`,
    )
    const memory = Number(/^(\d+) of/.exec(told.info.find((line) => line.name === 'Memory Used')?.values[0] ?? '')?.[1])
    console.log(`a database was there after ${took} ms; it takes ${memory} MiB`)
    expect(memory).toBeLessThanOrEqual(40)
    expect(took).toBeLessThan(soon * 4)
    await api(server, 'DELETE', `/apps/${app.name}/addons/${body.id}`)
  })

  it('keeps its data over a redeploy, its own death, a restart of the worker and of the server', async () => {
    await app.repository.write('note', 'again')
    await app.repository.commit('Change something')
    expect((await app.push()).code).toBe(0)
    expect(await visits('/add')).toBe('2')
    await run('docker', ['kill', await container(name)])
    await countsAgain('2')
    await run('docker', ['rm', '--force', await container(name)])
    await countsAgain('2')
    process.kill(rolePid(server.pid, 'worker'), 'SIGKILL')
    await run('docker', ['stop', '--time', '5', await container(name)])
    await countsAgain('2')
    await server.terminate()
    await run('docker', ['rm', '--force', await container(name).catch(() => '')]).catch(() => undefined)
    await server.start()
    await countsAgain('2')
  }, 240_000)

  it('is confined as a dyno is, and its secrets are in no label, name or argv', async () => {
    const { HostConfig: host, Config: config, ...rest } = await inspect(await container(name))
    expect(host).toMatchObject({
      CapDrop: ['ALL'],
      CapAdd: null,
      ReadonlyRootfs: true,
      Privileged: false,
      PortBindings: {},
    })
    expect(host['SecurityOpt']).toContain('no-new-privileges:true')
    expect([host['Memory'], config.User]).toEqual([256 * 2 ** 20, '1000:1000'])
    const password = /:(p\w{64})@/.exec(await user.succeed(['config:get', 'DATABASE_URL', ...on()]))?.[1] ?? ''
    const { Env: _env, ...others } = config
    expect(JSON.stringify([host, others, rest])).not.toContain(password)
    const { stdout: processes } = await run('ps', ['-eo', 'args'])
    expect(processes).not.toContain(password)
    expect(await user.succeed(['logs', '-n', '1000', ...on()])).not.toContain(password)
  })

  it('is reached by its app alone', async () => {
    const url = (await user.succeed(['config:get', 'DATABASE_URL', ...on()])).trim()
    const other = await TestApp.create(server, 'node-probe')
    await using _ = other
    expect((await other.push()).code).toBe(0)
    const address = await addressOf(await container(name))
    const reach = (host: string) =>
      `timeout 3 bash -c "exec 3<>/dev/tcp/${host}/5432" && echo reached || echo not reached`
    const from = async (where: string, host: string) => (await runIn(where, reach(host))).trim()
    expect(await from(app.name, new URL(url).hostname)).toBe('reached')
    expect(await from(other.name, new URL(url).hostname)).toBe('not reached')
    expect(await from(other.name, address)).toBe('not reached')
    await user.succeed(['addons:attach', name, '--as', 'SHARED', ...on(other.name)])
    await until('it is reached where it is attached', async () =>
      (await from(other.name, new URL(url).hostname)) === 'reached' ? true : undefined,
    )
    expect(await user.succeed(['config:get', 'SHARED_URL', ...on(other.name)])).toBe(`${url}\n`)
    await user.succeed(['addons:detach', 'SHARED', ...on(other.name)])
    await until('it is not reached any more', async () =>
      (await from(other.name, address)) === 'not reached' ? true : undefined,
    )
  }, 240_000)

  it("is shown, queried, promoted and given another password by Heroku's command", async () => {
    expect(await user.succeed(['addons', ...on()])).toMatch(/heroku-postgresql \(postgresql-.*created/)
    expect(await user.succeed(['addons:info', 'DATABASE', ...on()])).toContain('State:        created')
    await user.succeed(['addons:wait', 'DATABASE', ...on()])
    expect(await user.succeed(['pg:info', ...on()])).toMatch(/Status: +Available[^]*Connections: +\d+\/20[^]*Nodes: +1/)
    await user.succeed(['pg:wait', ...on()])
    expect(await user.succeed(['pg:psql', ...on(), '-c', "SELECT 'rows: ' || count(*) FROM visits"])).toContain(
      'rows: 2',
    )
    expect(await user.succeed(['pg:credentials', 'DATABASE', ...on()])).toMatch(/default[^]*active/)
    expect(await user.succeed(['pg:ps', ...on()])).toContain('running_for')
    expect(await user.succeed(['pg:locks', ...on()])).toContain('(0 rows)')
    const { stderr } = await user.heroku(['pg:psql', ...on(), '-c', 'SELECT nonsense'])
    expect(stderr).toContain('column "nonsense" does not exist')
    const before = await user.succeed(['config:get', 'DATABASE_URL', ...on()])
    await user.succeed(['pg:credentials:rotate', 'DATABASE', ...on(), '--confirm', app.name])
    await until('the password is another one', async () =>
      (await user.succeed(['config:get', 'DATABASE_URL', ...on()])) === before ? undefined : true,
    )
    await countsAgain('2')
    expect(await user.succeed(['pg:credentials:url', ...on()])).toContain(
      (await user.succeed(['config:get', 'DATABASE_URL', ...on()])).trim(),
    )
    const second = await create('heroku-postgresql', '--wait', ...on())
    await user.succeed(['pg:promote', second, ...on()])
    expect(await user.succeed(['config', ...on()])).toMatch(/DATABASE_URL:[^]*HEROKU_POSTGRESQL_[A-Z]+_URL:/)
    await user.succeed(['pg:promote', name, ...on()])
    await user.succeed(['addons:destroy', second, ...on(), '--confirm', app.name])
    await countsAgain('2')
  }, 240_000)

  it('is reset and destroyed only where that is confirmed', async () => {
    expect((await user.heroku(['pg:reset', 'DATABASE', ...on(), '--confirm', 'other'])).code).not.toBe(0)
    await user.succeed(['pg:reset', 'DATABASE', ...on(), '--confirm', app.name])
    await countsAgain('0')
    expect((await user.heroku(['addons:destroy', name, ...on(), '--confirm', 'other'])).code).not.toBe(0)
    const id = await container(name)
    await user.succeed(['addons:destroy', name, ...on(), '--confirm', app.name])
    await until('nothing of it is left', async () => {
      const { stdout } = await run('docker', ['ps', '--all', '--quiet', '--no-trunc'])
      return stdout.includes(id) ? undefined : true
    })
    expect(await user.succeed(['config', ...on()])).not.toContain('DATABASE_URL')
  })
})

describe('a cache', () => {
  it('of Redis is made, spoken to, given another password and asked how it is', async () => {
    expect(await user.succeed(['addons:services'])).toMatch(/heroku-redis +Valkey \(Redis\) +ga/)
    expect(await create('heroku-redis:premium-0', '--name', 'acme-cache', ...on())).toBe('acme-cache')
    await user.succeed(['redis:wait', '--wait-interval', '1', ...on()])
    expect(await user.succeed(['redis:info', ...on()])).toMatch(/Persistence: +AOF/)
    const said = await user.run('paas', ['redis:cli', ...on()], { input: 'SET greeting hello\nGET greeting\n' })
    expect([said.code, said.stdout]).toEqual([0, 'OK\nhello\n'])
    const before = await user.succeed(['redis:credentials', ...on()])
    await user.succeed(['redis:credentials', '--reset', ...on()])
    await until('the password is another one', async () =>
      (await user.succeed(['redis:credentials', ...on()])) === before ? undefined : true,
    )
    const again = await user.run('paas', ['redis:cli', ...on()], { input: 'GET greeting\n' })
    expect(again.stdout).toBe('hello\n')
  }, 240_000)

  it('of Redis takes the place of another one, which keeps a config var of its own', async () => {
    const vars = async () => (await api<Record<string, string>>(server, 'GET', `/apps/${app.name}/config-vars`)).body
    const { REDIS_URL: first } = await vars()
    await create('heroku-redis', '--name', 'acme-second', '--as', 'SECOND', '--wait', ...on())
    expect(await user.succeed(['redis:promote', 'acme-second', ...on()])).toContain('Promoting acme-second')
    const { REDIS_URL: promoted, SECOND_URL: second, ...others } = await vars()
    expect([promoted, Object.entries(others)]).toEqual([
      second,
      expect.arrayContaining([[expect.stringMatching(/^HEROKU_REDIS_[A-Z]+_URL$/), first]]),
    ])
    await user.succeed(['redis:promote', 'acme-cache', ...on()])
    expect((await vars())['REDIS_URL']).toBe(first)
    await api(server, 'DELETE', `/apps/${app.name}/addons/acme-second`)
  }, 240_000)

  it('of memcached needs no more than its own directory', async () => {
    await create('memcached', '--as', 'CACHE', '--wait', ...on())
    expect(await user.succeed(['config:get', 'CACHE_SERVERS', ...on()])).toMatch(/^memcached-\w{12}:11211$/m)
    const { stdout } = await user.run('paas', ['addons:info', 'CACHE', ...on()])
    expect(stdout).toMatch(/Version: +1\.6\.\d+/)
  }, 240_000)
})

it('a worker that is killed while an add-on is made leaves one that its successor makes', async () => {
  for (const pause of [20, 300, 900]) {
    const { body } = await api<{ id: string }>(server, 'POST', `/apps/${app.name}/addons`, {
      body: { plan: 'postgresql' },
    })
    await new Promise((wake) => setTimeout(wake, pause))
    process.kill(rolePid(server.pid, 'worker'), 'SIGKILL')
    await until(
      'it is made',
      async () => {
        const now = await api<{ state: string }>(server, 'GET', `/addons/${body.id}`)
        return now.body.state === 'provisioned' ? true : undefined
      },
      90_000,
    )
    const { stdout } = await run('docker', ['ps', '--quiet', '--filter', `label=paas.owner=${body.id}`])
    expect(stdout.trim().split('\n')).toHaveLength(1)
    await api(server, 'DELETE', `/apps/${app.name}/addons/${body.id}`)
  }
}, 240_000)

it('an app takes its add-ons with it', async () => {
  const { body: made } = await api<{ name: string; id: string }>(server, 'POST', '/apps', { body: {} })
  await create('heroku-redis', '--wait', ...on(made.name))
  await user.succeed(['apps:destroy', ...on(made.name), '--confirm', made.name])
  await until('nothing of it is left', async () => {
    const label = ['--quiet', '--filter', `label=paas.app=${made.id}`]
    const { stdout: containers } = await run('docker', ['ps', '--all', ...label])
    return containers === '' ? true : undefined
  })
})

it('nothing was asked of any other machine', async () => {
  expect(await user.strayConnections()).toEqual([])
})

async function addressOf(id: string): Promise<string> {
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}'
  return (await run('docker', ['inspect', '--format', format, id])).stdout.trim().split(' ')[0] ?? ''
}

async function runIn(name: string, command: string): Promise<string> {
  return (await user.run('paas', ['run', '--no-tty', ...on(name), command])).stdout
}
