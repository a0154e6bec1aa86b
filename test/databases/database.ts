import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { api, until } from '../helpers/app.ts'
import type { TestServer } from '../helpers/server.ts'

const run = promisify(execFile)
/** Milliseconds in which the image of a service is made, and a database of it. */
const whileMade = 400_000
/** Milliseconds in which a backup, a proof or a restore of a small database is done. */
const whileDone = 120_000

export type Backups = {
  kind: string
  window: { from: string; to: string } | null
  recovery_point_seconds: number | null
  where: string
  last_good: { id: string; name: string; started_at: string } | null
  last_proven: { backup: string; compared: boolean } | null
  last_disproven: { reason: string } | null
  problem: string | null
  backups: { name: string | null; status: string; reason: string | null }[]
}
export type Proof = { id: string; status: string; reason: string | null }
type AddonJson = { id: string; name: string; state: string; provision_message?: string }

/** How the client beside a database runs a statement, and prints it without decoration. */
const clients: Record<string, string[]> = {
  'heroku-postgresql': ['-At', '-v', 'ON_ERROR_STOP=1', '-c'],
  mysql: ['--batch', '--skip-column-names', '-e'],
}

/** A database of a test's server, with an archive. */
export class Database {
  readonly server: TestServer
  readonly id: string
  readonly name: string
  readonly app: string
  readonly service: string

  private constructor(server: TestServer, { id, name }: AddonJson, { app, service }: { app: string; service: string }) {
    this.service = service
    this.server = server
    this.id = id
    this.name = name
    this.app = app
  }

  /** One that is there, of an app of its own or that one. */
  static async create(server: TestServer, on?: string, service = 'heroku-postgresql'): Promise<Database> {
    const app = on ?? (await api<{ name: string }>(server, 'POST', '/apps', { body: {} })).body.name
    const asked = { body: { plan: service } }
    const { body } = await api<AddonJson>(server, 'POST', `/apps/${app}/addons`, asked)
    return new Database(server, body, { app, service }).#made()
  }

  /** A fork as of a moment: a new add-on that is there. */
  async restore(body: object): Promise<Database> {
    return (await this.beginRestore(body)).#made()
  }

  async beginRestore(body: object): Promise<Database> {
    const { body: fork } = await api<AddonJson>(this.server, 'POST', `/addons/${this.id}/actions/restore`, { body })
    return new Database(this.server, fork, this)
  }

  async made(): Promise<Database> {
    return this.#made()
  }

  async #made(): Promise<this> {
    await until(
      `${this.name} is there`,
      async () => {
        const { body } = await api<AddonJson>(this.server, 'GET', `/addons/${this.id}`)
        if (body.state === 'deprovisioned') throw new Error(body.provision_message)
        return body.state === 'provisioned'
      },
      whileMade,
    )
    return this
  }

  async container(): Promise<string> {
    const { stdout } = await run('docker', ['ps', '--quiet', '--no-trunc', '--filter', `label=paas.owner=${this.id}`])
    return stdout.trim().split('\n')[0] ?? ''
  }

  /** What its client prints of it, without decoration. */
  async sql(statement: string): Promise<string> {
    const argv = ['/usr/lib/paas/service/client', ...(clients[this.service] ?? []), statement]
    const { stdout } = await run('docker', ['exec', await this.container(), ...argv])
    return stdout.trim()
  }

  /** A command in its container, as whoever owns the database may run them. */
  async inContainer(command: string): Promise<string> {
    const { stdout } = await run('docker', ['exec', await this.container(), 'bash', '-c', command])
    return stdout.trim()
  }

  /** What its app's log says. */
  async log(): Promise<string> {
    const asked = { body: { lines: 1500, tail: false } }
    const { body } = await api<{ logplex_url: string }>(this.server, 'POST', `/apps/${this.app}/log-sessions`, asked)
    return (await fetch(body.logplex_url)).text()
  }

  async backups(): Promise<Backups> {
    return (await api<Backups>(this.server, 'GET', `/addons/${this.id}/backups`)).body
  }

  async untilBackups(are: (backups: Backups) => boolean, what: string): Promise<Backups> {
    return until(
      what,
      async () => {
        const backups = await this.backups()
        return are(backups) && backups
      },
      whileDone,
    )
  }

  async prove(): Promise<Proof> {
    const { body: asked } = await api<Proof>(this.server, 'POST', `/addons/${this.id}/actions/prove`, { body: {} })
    return until(
      'the backup is proven or not',
      async () => {
        const { body } = await api<Proof>(this.server, 'GET', `/addons/${this.id}/proofs/${asked.id}`)
        return (body.status === 'succeeded' || body.status === 'failed') && body
      },
      whileDone,
    )
  }
}
