import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestApp, until } from '../helpers/app.ts'
import { ServerOnEngine } from '../helpers/server-on-engine.ts'
import { addonsOf, ask, EngineEvents, kill, leftovers, victims, type Victim } from './kills.ts'

/**
 * kill -9 of the worker and the api, of the engine too while a backup is made, restored or proven, at each step of what is
 * done with a database. Each time the record comes to an end that is so, the app has its database with all rows, nothing is left
 * over, and the same can be asked for again.
 */

const canRun = process.getuid?.() === 0
const roles = ['worker', 'api'] as const
const run = promisify(execFile)
let site: ServerOnEngine
let app: TestApp
/** The databases of the app, each with all rows: the one of DATABASE_URL, and another. */
let one: string
let other: string
let rows = 1000
const ownDocker = process.env['DOCKER_HOST']
/** What became of each: operation, step, victim, end. */
const outcomes: string[][] = []

beforeAll(async () => {
  if (!canRun) return
  site = await ServerOnEngine.start({ services: [['heroku-postgresql', ['17']]] })
  // Whatever asks the engine by the command: that of the server.
  process.env['DOCKER_HOST'] = site.engine.dockerHost
  app = await TestApp.create(site.server, 'node-hello')
  const listen = `require('node:http').createServer((q, a) => a.end(process.env.DATABASE_URL)).listen(process.env.PORT)`
  await app.repository.write('server.js', `${listen}\n`)
  await app.repository.commit('Show the URL')
  const push = await app.push()
  if (push.code !== 0) throw new Error(push.output)
  one = await database()
  other = await database()
  for (const [addon, name] of [
    [one, 'ONE'],
    [other, 'OTHER'],
  ] as const)
    await attach(addon, name)
  await sql(one, 'CREATE TABLE visits (n int PRIMARY KEY); INSERT INTO visits SELECT generate_series(1, 1000)')
  await until('it has a backup', async () => hasBackup(one), 120_000)
}, 900_000)
afterAll(async () => {
  console.log(outcomes.map((row) => row.join(' | ')).join('\n'))
  await app?.[Symbol.asyncDispose]()
  await site?.[Symbol.asyncDispose]()
  if (ownDocker === undefined) delete process.env['DOCKER_HOST']
  else process.env['DOCKER_HOST'] = ownDocker
}, 240_000)

type Addon = { id: string; name: string; state: string; provision_message?: string }

/** One that is made in the end. */
async function database(plan: object = { plan: 'heroku-postgresql' }, on = app.name): Promise<string> {
  const { id } = await ask<Addon>(site, 'POST', `/apps/${on}/addons`, plan)
  expect(await made(id)).toBe('done')
  return id
}

async function made(id: string): Promise<string> {
  return until(
    'the add-on is there, or could not be made',
    async () => {
      const { state, provision_message: why = '' } = await ask<Addon>(site, 'GET', `/addons/${id}`)
      return state === 'provisioned' ? 'done' : state === 'deprovisioned' && `failed: ${why}`
    },
    180_000,
  )
}

async function attach(addon: string, name: string): Promise<void> {
  await ask(site, 'POST', '/addon-attachments', { addon, app: app.name, name, confirm: app.name })
}

async function hasBackup(id: string): Promise<boolean> {
  return (await ask<{ last_good: object | null }>(site, 'GET', `/addons/${id}/backups`)).last_good !== null
}

function container(id: string): string {
  return site.engine.docker('ps', '--quiet', '--filter', `label=paas.owner=${id}`).trim()
}

/** Milliseconds since the epoch; 0 while it does not run. */
function startedAt(id: string): number {
  const found = container(id)
  if (found === '') return 0
  try {
    return Date.parse(site.engine.docker('inspect', '--format', '{{.State.StartedAt}}', found).trim())
  } catch {
    return 0 // it has just been replaced
  }
}

/** As the app does: by the URL, over its network. */
async function sqlAt(address: string, statement: string): Promise<string> {
  const argv = ['bash', '-c', 'PGOPTIONS= psql "$0" -XAtq -v ON_ERROR_STOP=1 -c "$1"', address, statement]
  return until(
    'the database answers',
    async () => {
      try {
        const { stdout } = await run('docker', ['exec', container(one), ...argv])
        return stdout.trim() || 'nothing'
      } catch (cause) {
        const { stderr = '' } = cause as { stderr?: string }
        // It is just being started.
        if (
          /refused|starting up|shutting down|not running|restarting|translate host|o such container|value is empty|daemon/.test(
            stderr,
          )
        )
          return undefined
        throw cause
      }
    },
    90_000,
  )
}

async function sql(id: string, statement: string): Promise<string> {
  return sqlAt(await urlOf(id), statement)
}

async function urlOf(id: string): Promise<string> {
  const vars = await ask<{ name: string; value: string }[]>(site, 'GET', `/addons/${id}/config`)
  return vars.find(({ name }) => name.endsWith('URL'))!.value
}

/** Done, or a reason that says who went away. */
const saidEnd = /^done$|^failed: .*(in the midst of it\.|is not running\.)/

const count = (id: string) => sql(id, 'SELECT count(*) FROM visits')

async function addRow(): Promise<void> {
  await sql(one, `INSERT INTO visits VALUES (${rows + 1})`)
  rows += 1
}

/** What holds whatever was killed: the app is served with its database's URL, which has all rows, and nothing is left over. */
async function holds(): Promise<void> {
  const { DATABASE_URL: address } = await ask<Record<string, string>>(site, 'GET', `/apps/${app.name}/config-vars`)
  await until(
    'the app has its database',
    async () => (await app.get().catch(() => undefined))?.body === address,
    60_000,
  )
  expect(await sqlAt(address!, 'SELECT 1')).toBe('1')
  expect(await count(one)).toBe(String(rows))
  let left: string[] = []
  await until('nothing is left over', async () => (left = await leftovers(site)).length === 0, 90_000).catch(
    () => undefined,
  )
  expect(left).toEqual([])
  const running =
    "SELECT string_agg(application_name, ' ') FROM pg_stat_activity WHERE application_name ~ 'pg_(dump|restore)'"
  expect(await sql(one, running)).toBe('nothing')
}

async function destroy(id: string): Promise<void> {
  const known = await addonsOf(site)
  if (!known.some((addon) => addon.id === id)) return
  await ask(site, 'DELETE', `/apps/${app.name}/addons/${id}`)
  await until('it is gone', async () => !(await addonsOf(site)).some((addon) => addon.id === id), 60_000)
}

/** `undefined`: as soon as it is on record, which is when its request is answered. */
type Steps = Record<string, RegExp | undefined>
const program = (name: string, of = 'postgresql') => new RegExp(`^container exec_start: \\S+/${name}\\b.* ${of}`)
const started = (process: string) => new RegExp(`^container start ${process}`)

/** Begins something, kills the victim at that step, and gives what became of it. */
async function strike(
  [operation, step, victim]: [string, string, Victim],
  at: RegExp | undefined,
  begin: () => Promise<() => Promise<string>>,
): Promise<string> {
  using events = new EngineEvents(site)
  const ended = await begin()
  if (at) await events.saw(at)
  const killedAt = Date.now()
  await kill(site, victim)
  const end = await ended()
  if (victim === 'engine') await until('it runs again', async () => startedAt(one) > killedAt, 90_000)
  outcomes.push([operation, step, victim, end])
  return end
}

function stepsTimes(victims: readonly Victim[], steps: Steps): [Victim, string][] {
  return victims.flatMap((victim) => Object.keys(steps).map((step): [Victim, string] => [victim, step]))
}

describe.skipIf(!canRun)('addons:create', () => {
  const steps: Steps = {
    'on record': undefined,
    'has a volume': /^volume create/,
    'has a container': /^container create postgresql/,
    'is started': started('postgresql'),
    'is asked whether it answers': program('health'),
  }
  it.each(stepsTimes(roles, steps))('with the %s killed when it %s is made all the same', async (victim, step) => {
    let id = ''
    const end = await strike(['create', step, victim], steps[step], async () => {
      ;({ id } = await ask<Addon>(site, 'POST', `/apps/${app.name}/addons`, { plan: 'heroku-postgresql' }))
      return () => made(id)
    })
    expect(end).toBe('done')
    expect(await sql(id, 'SELECT 1')).toBe('1')
    await destroy(id)
    await holds()
  })
})

type Transfer = { uuid: string; num: number; finished_at: string | null; succeeded: boolean; to_url: string }

async function transferred(uuid: string): Promise<string> {
  const path = `/client/v11/apps/${app.name}/transfers/${uuid}?verbose=true`
  return until(
    'it has ended',
    async () => {
      const {
        finished_at: at,
        succeeded,
        logs,
      } = await ask<Transfer & { logs: { message: string }[] }>(site, 'GET', path)
      return at !== null && (succeeded ? 'done' : `failed: ${logs.at(-1)?.message}`)
    },
    150_000,
  )
}

async function capture(): Promise<Transfer> {
  // Or it fails at once, and says so.
  expect(await sql(one, 'SELECT 1')).toBe('1')
  const { name } = (await addonsOf(site)).find(({ id }) => id === one)!
  return ask<Transfer>(site, 'POST', `/client/v11/databases/${name}/backups`)
}

describe.skipIf(!canRun)('pg:backups:capture', () => {
  const steps: Steps = { 'is on record': undefined, dumps: program('dump') }
  it.each(stepsTimes(victims, steps))(
    'with the %s killed when it %s has an end, and is done when asked again',
    async (victim, step) => {
      const end = await strike(['capture', step, victim], steps[step], async () => {
        const { uuid } = await capture()
        return () => transferred(uuid)
      })
      expect(end).toMatch(saidEnd)
      expect(await transferred((await capture()).uuid)).toBe('done')
      await holds()
    },
  )

  it('with the worker killed in the midst of a dump leaves no program that reads on', async () => {
    const table = `BEGIN; LOCK TABLE visits IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)`
    const locking = sql(one, table).catch(() => undefined)
    await until(
      'it is locked',
      async () =>
        (await sql(one, "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted")) !== '0',
    )
    const unlock =
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
    try {
      const end = await strike(['capture', 'waits for a table', 'worker'], program('dump'), async () => {
        const { uuid } = await capture()
        return () => transferred(uuid)
      })
      expect(end).toMatch(/^failed: The server was stopped/)
    } finally {
      await sql(one, unlock)
      await locking
    }
    await holds()
  })
})

describe.skipIf(!canRun)('pg:backups:restore', () => {
  const steps: Steps = { 'is on record': undefined, loads: program('load') }
  let whole: Transfer
  beforeAll(async () => {
    whole = await capture()
    await transferred(whole.uuid)
  })

  it.each(stepsTimes(victims, steps))(
    'with the %s killed when it %s has all of the backup, or all of what there was, and says which',
    async (victim, step) => {
      await sql(one, 'DELETE FROM visits WHERE n > 10')
      const { name } = (await addonsOf(site)).find(({ id }) => id === one)!
      const restore = () =>
        ask<Transfer>(site, 'POST', `/client/v11/databases/${name}/restores`, { backup_url: whole.to_url })
      const end = await strike(['restore', step, victim], steps[step], async () => {
        const { uuid } = await restore()
        return () => transferred(uuid)
      })
      expect(await count(one)).toBe(end === 'done' ? String(rows) : '10')
      expect(end === 'done' ? end : await transferred((await restore()).uuid)).toBe('done')
      await holds()
    },
  )
})

describe.skipIf(!canRun)('a restore as of now, into a fork', () => {
  const steps: Steps = {
    'is on record': undefined,
    'is started': started('postgresql'),
    'gets the archive': /^container extract-to-dir postgresql/,
    'brings it back': program('restore'),
    'is asked whether it answers': program('health'),
  }
  it.each(stepsTimes(roles, steps))('with the %s killed when it %s has every row', async (victim, step) => {
    await addRow()
    let id = ''
    const end = await strike(['fork', step, victim], steps[step], async () => {
      ;({ id } = await ask<Addon>(site, 'POST', `/addons/${one}/actions/restore`, { at: 'latest' }))
      return () => made(id)
    })
    expect(end).toBe('done')
    expect(await count(id)).toBe(String(rows))
    await destroy(id)
    await holds()
  })
})

describe.skipIf(!canRun)('backups:prove', () => {
  const steps: Steps = {
    'is on record': undefined,
    'has a container': started('proof'),
    'brings it back': program('restore', 'proof'),
    compares: program('facts', 'proof'),
  }
  it.each(stepsTimes(victims, steps))('with the %s killed when it %s proves the backup', async (victim, step) => {
    const end = await strike(['prove', step, victim], steps[step], async () => {
      const { id } = await ask<{ id: string }>(site, 'POST', `/addons/${one}/actions/prove`, {})
      return () =>
        until(
          'it is over',
          async () => {
            const { status, reason } = await ask<{ status: string; reason: string }>(
              site,
              'GET',
              `/addons/${one}/proofs/${id}`,
            )
            return status === 'succeeded' ? 'done' : status === 'failed' && `failed: ${reason}`
          },
          120_000,
        )
    })
    expect(end).toBe('done')
    await holds()
  })
})
