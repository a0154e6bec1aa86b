import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { command, runProgram, type Said } from '../cli/terminal.ts'
import { api, until } from '../helpers/app.ts'
import type { TestServer } from '../helpers/server.ts'

const run = promisify(execFile)

type AddonAnswer = { id: string; name: string; state: string; provision_message?: string }
type InfoAnswer = { info: { name: string; values: string[] }[] }

/** An add-on that runs on a real server, in an app of its own. */
export class RunningAddon implements AsyncDisposable {
  readonly server: TestServer
  readonly app: string
  readonly id: string
  readonly name: string

  private constructor(server: TestServer, app: string, { id, name }: AddonAnswer) {
    this.server = server
    this.app = app
    this.id = id
    this.name = name
  }

  /** Resolves once it is there, for which its image may have to be made. */
  static async create(server: TestServer, plan: string, on?: string, config: object = {}): Promise<RunningAddon> {
    const app = on ?? (await api<{ name: string }>(server, 'POST', '/apps', { body: {} })).body.name
    const { body } = await api<AddonAnswer>(server, 'POST', `/apps/${app}/addons`, { body: { plan, config } })
    const made = new RunningAddon(server, app, body)
    await made.settled()
    return made
  }

  /** Until it is made, or could not be. */
  async settled(): Promise<void> {
    await until(
      'the add-on is there',
      async () => {
        const { body } = await api<AddonAnswer>(this.server, 'GET', `/addons/${this.id}`)
        if (body.state === 'deprovisioned') throw new Error(body.provision_message)
        return body.state === 'provisioned' ? true : undefined
      },
      600_000,
    )
  }

  async config(): Promise<Record<string, string>> {
    return (await api<Record<string, string>>(this.server, 'GET', `/apps/${this.app}/config-vars`)).body
  }

  /** What `addons:info` shows, by name. */
  async info(): Promise<Record<string, string>> {
    const { body } = await api<InfoAnswer>(this.server, 'GET', `/addons/${this.id}/info`)
    return Object.fromEntries(body.info.map(({ name, values }) => [name, values.join(', ')]))
  }

  async container(): Promise<string> {
    const filter = `label=paas.owner=${this.id}`
    const { stdout } = await run('docker', ['ps', '--all', '--quiet', '--no-trunc', '--filter', filter])
    return stdout.trim()
  }

  /** A program of the service, as the server runs it. */
  async program(argv: string, input = ''): Promise<Said> {
    const [name = '', ...rest] = argv.split(' ')
    const inside = ['exec', '--interactive', await this.container(), `/usr/lib/paas/service/${name}`, ...rest]
    const child = spawn('docker', inside, { stdio: 'pipe' })
    child.stdin.on('error', () => undefined).end(input)
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    return { code: child.exitCode, stdout, stderr }
  }

  /** A line of a shell beside the service; gives all that it printed. */
  async shell(line: string): Promise<string> {
    const child = spawn('docker', ['exec', await this.container(), '/bin/bash', '-c', `{ ${line}; } 2>&1`])
    const [shown] = await Promise.all([text(child.stdout), once(child, 'close')])
    return shown
  }

  /** `paas`, for the app. */
  paas(argv: string[], input?: string): Promise<Said> {
    const env = { ...this.server.env, PAAS_URL: this.server.url, PAAS_TOKEN: this.server.token }
    return runProgram(command, [argv[0] ?? '', '-a', this.app, ...argv.slice(1)], {
      env,
      ...(input === undefined ? {} : { input }),
    })
  }

  /** What its log says, and what is said of it. */
  async log(): Promise<string> {
    return (await this.paas(['logs', '-n', '1000'])).stdout
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await api(this.server, 'DELETE', `/apps/${this.app}`, { mayFail: true })
  }
}
