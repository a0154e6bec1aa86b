import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { TestApp, until } from '../helpers/app.ts'
import { ServerOnEngine } from '../helpers/server-on-engine.ts'
import { addonsOf, ask, EngineEvents, kill, leftovers, type AddonJson, type Victim } from './kills.ts'

const run = promisify(execFile)

/** `undefined`: as soon as it is on record, which is when its request is answered. */
export type Steps = Record<string, RegExp | undefined>

export const program = (name: string, of = 'postgresql'): RegExp =>
  new RegExp(`^container exec_start: \\S+/${name}\\b.* ${of}`)
export const started = (process: string): RegExp => new RegExp(`^container start ${process}`)

export function stepsTimes(victims: readonly Victim[], steps: Steps): [Victim, string][] {
  return victims.flatMap((victim) => Object.keys(steps).map((step): [Victim, string] => [victim, step]))
}

/** Done, or a reason that says who went away. */
export const saidEnd = /^done$|^failed: .*(in the midst of it\.|is not running\.)/

/** What psql, or the way to it, says while the database is just being started. */
const notYet =
  /refused|starting up|shutting down|not running|restarting|translate host|o such container|value is empty|daemon/

/**
 * A server on an engine of its own whose parts are killed, with an app that is served and answers with its DATABASE_URL,
 * and two databases of the app.
 */
export class StruckSite implements AsyncDisposable {
  readonly site: ServerOnEngine
  readonly app: TestApp
  /** The one of DATABASE_URL, which has all rows, and another. */
  readonly one: string
  readonly other: string
  /** How many there are in the first. */
  rows = 0
  /** What became of each: operation, step, victim, end. */
  readonly outcomes: string[][] = []

  private constructor(site: ServerOnEngine, app: TestApp, [one, other]: [string, string]) {
    this.site = site
    this.app = app
    this.one = one
    this.other = other
  }

  static async start(options: Parameters<typeof ServerOnEngine.start>[0] = {}): Promise<StruckSite> {
    const services = options.services ?? [['heroku-postgresql', ['17']]]
    // A long polling test asks more often than anybody.
    const env = { ...options.env, PAAS_API_REQUESTS_PER_HOUR: 'off' }
    const site = await ServerOnEngine.start({ env, services })
    try {
      const app = await TestApp.create(site.server, 'node-hello')
      const listen = `require('node:http').createServer((q, a) => a.end(process.env.DATABASE_URL)).listen(process.env.PORT)`
      await app.repository.write('server.js', `${listen}\n`)
      await app.repository.commit('Show the URL')
      const push = await app.push()
      if (push.code !== 0) throw new Error(push.output)
      const struck = new StruckSite(site, app, [await database(site, app.name), await database(site, app.name)])
      await struck.#fill()
      return struck
    } catch (cause) {
      await site[Symbol.asyncDispose]()
      throw cause
    }
  }

  async #fill(): Promise<void> {
    await this.attach(this.one, 'ONE')
    await this.attach(this.other, 'OTHER')
    await this.sql(this.one, 'CREATE TABLE visits (n int PRIMARY KEY)')
    await this.sql(this.one, 'INSERT INTO visits SELECT generate_series(1, 1000)')
    this.rows = 1000
    await until('it has a backup', async () => this.hasBackup(this.one), 120_000)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    console.log(this.outcomes.map((row) => row.join(' | ')).join('\n'))
    await this.app[Symbol.asyncDispose]()
    await this.site[Symbol.asyncDispose]()
  }

  ask<Body>(method: string, path: string, body?: object): Promise<Body> {
    return ask<Body>(this.site, method, path, body)
  }

  /** One that is made in the end. */
  database(plan: object = { plan: 'heroku-postgresql' }, on = this.app.name): Promise<string> {
    return database(this.site, on, plan)
  }

  made(id: string): Promise<string> {
    return made(this.site, id)
  }

  async attach(addon: string, name: string): Promise<void> {
    const app = this.app.name
    await this.ask('POST', '/addon-attachments', { addon, app, name, confirm: app })
  }

  async hasBackup(id: string): Promise<boolean> {
    return (await this.ask<{ last_good: object | null }>('GET', `/addons/${id}/backups`)).last_good !== null
  }

  container(id: string): string {
    return this.site.engine.docker('ps', '--quiet', '--filter', `label=paas.owner=${id}`).trim()
  }

  /** Milliseconds since the epoch; 0 while it does not run. */
  #startedAt(id: string): number {
    const found = this.container(id)
    if (found === '') return 0
    try {
      return Date.parse(this.site.engine.docker('inspect', '--format', '{{.State.StartedAt}}', found).trim())
    } catch {
      return 0 // it has just been replaced
    }
  }

  /** As the app does: by the URL, over its network. @param from whose container psql runs in */
  async sqlAt(address: string, statement: string, from = this.one): Promise<string> {
    const psql = ['bash', '-c', 'PGOPTIONS= psql "$0" -XAtq -v ON_ERROR_STOP=1 -c "$1"', address, statement]
    const argv = ['--host', this.site.engine.dockerHost, 'exec']
    let said = ''
    const once = async (): Promise<string | undefined> => {
      try {
        const { stdout } = await run('docker', [...argv, this.container(from), ...psql])
        return stdout.trim() || 'nothing'
      } catch (cause) {
        said = (cause as { stderr?: string }).stderr ?? ''
        if (notYet.test(said)) return undefined
        throw cause
      }
    }
    return until('the database answers', once, 90_000).catch((cause: Error) => {
      throw new Error(`${cause.message}: ${said}`, { cause })
    })
  }

  async sql(id: string, statement: string): Promise<string> {
    return this.sqlAt(await this.urlOf(id), statement)
  }

  async urlOf(id: string): Promise<string> {
    const vars = await this.ask<{ name: string; value: string }[]>('GET', `/addons/${id}/config`)
    return vars.find(({ name }) => name.endsWith('URL'))!.value
  }

  count(id: string): Promise<string> {
    return this.sql(id, 'SELECT count(*) FROM visits')
  }

  async addRow(): Promise<void> {
    await this.sql(this.one, `INSERT INTO visits VALUES (${this.rows + 1})`)
    this.rows += 1
  }

  /** What holds whatever was killed: the app is served with its database's URL, which has all rows, and nothing is left over. */
  async holds(): Promise<void> {
    const { DATABASE_URL: address } = await this.ask<Record<string, string>>(
      'GET',
      `/apps/${this.app.name}/config-vars`,
    )
    const isServed = async () => (await this.app.get().catch(() => undefined))?.body === address
    await until('the app has its database', isServed, 60_000)
    assert.equal(await this.sqlAt(address!, 'SELECT 1'), '1')
    assert.equal(await this.count(this.one), String(this.rows))
    let left: string[] = []
    const isClean = async () => (left = await leftovers(this.site)).length === 0
    await until('nothing is left over', isClean, 90_000).catch(() => undefined)
    assert.deepEqual(left, [])
    const running =
      "SELECT string_agg(application_name, ' ') FROM pg_stat_activity WHERE application_name ~ 'pg_(dump|restore)'"
    assert.equal(await this.sql(this.one, running), 'nothing')
  }

  async destroy(id: string): Promise<void> {
    const isThere = async () => (await addonsOf(this.site)).some((addon) => addon.id === id)
    if (!(await isThere())) return
    await this.ask('DELETE', `/apps/${this.app.name}/addons/${id}`)
    await until('it is gone', async () => !(await isThere()), 60_000)
  }

  /** Begins something, kills the victim at that step, and gives what became of it. */
  async strike(
    [operation, step, victim]: [string, string, Victim],
    at: RegExp | undefined,
    begin: () => Promise<() => Promise<string>>,
  ): Promise<string> {
    using events = new EngineEvents(this.site)
    const ended = await begin()
    if (at) await events.saw(at)
    const killedAt = Date.now()
    await kill(this.site, victim)
    const end = await ended()
    if (victim === 'engine') await until('it runs again', async () => this.#startedAt(this.one) > killedAt, 90_000)
    this.outcomes.push([operation, step, victim, end])
    return end
  }
}

async function database(
  site: ServerOnEngine,
  on: string,
  plan: object = { plan: 'heroku-postgresql' },
): Promise<string> {
  const { id } = await ask<AddonJson>(site, 'POST', `/apps/${on}/addons`, plan)
  assert.equal(await made(site, id), 'done')
  return id
}

async function made(site: ServerOnEngine, id: string): Promise<string> {
  const end = async (): Promise<string | false> => {
    const { state, provision_message: why = '' } = await ask<AddonJson>(site, 'GET', `/addons/${id}`)
    return state === 'provisioned' ? 'done' : state === 'deprovisioned' && `failed: ${why}`
  }
  return until('the add-on is there, or could not be made', end, 180_000)
}
