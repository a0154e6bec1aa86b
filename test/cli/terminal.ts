import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { saveLogin } from '../../src/credentials.ts'
import { TestApi } from '../api/test-api.ts'
import { gitEnvironment } from '../helpers/repository.ts'

export const command = resolve(import.meta.dirname, '../../bin/paas')

export type Said = { code: number | null; stdout: string; stderr: string }
type Options = { input?: string; cwd?: string; env?: NodeJS.ProcessEnv }

/** A user at a terminal with a home directory of their own and the real command, beside the real api on a TCP port. */
export class TestTerminal implements AsyncDisposable {
  readonly api: TestApi
  readonly url: string
  readonly home: string
  readonly #clients: Set<Socket>
  readonly #life: AsyncDisposableStack

  private constructor(
    api: TestApi,
    door: { port: number; clients: Set<Socket> },
    home: string,
    life: AsyncDisposableStack,
  ) {
    this.api = api
    this.url = `http://localhost:${door.port}`
    this.home = home
    this.#clients = door.clients
    this.#life = life
  }

  /** Logged in as the admin. */
  static async start(env: Record<string, string> = {}): Promise<TestTerminal> {
    const life = new AsyncDisposableStack()
    const api = life.use(await TestApi.start(env))
    const door = await openDoor(api.config.paths.apiSocket, life)
    const home = await mkdtemp(join(tmpdir(), 'paas-home-'))
    life.defer(() => rm(home, { recursive: true, force: true }))
    const terminal = new TestTerminal(api, door, home, life)
    saveLogin(terminal.url, { token: api.token, email: api.admin.email }, terminal.credentials)
    return terminal
  }

  get credentials(): string {
    return join(this.home, '.config/paas/credentials.json')
  }

  get env(): NodeJS.ProcessEnv {
    const {
      XDG_CONFIG_HOME: _config,
      PAAS_URL: _url,
      PAAS_TOKEN: _token,
      NODE_COMPILE_CACHE: _cache,
      ...rest
    } = gitEnvironment()
    return { ...rest, HOME: this.home, XDG_CACHE_HOME: join(tmpdir(), 'paas-test-cache'), TZ: 'UTC' }
  }

  /** Runs the command to its end, in the home directory unless told otherwise. */
  paas(argv: string[], options: Options = {}): Promise<Said> {
    return runCommand(argv, { cwd: this.home, ...options, env: { ...this.env, ...options.env } })
  }

  /** Likewise for what must succeed; gives its stdout. */
  async succeed(argv: string[], options: Options = {}): Promise<string> {
    const { code, stdout, stderr } = await this.paas(argv, options)
    if (code !== 0) throw new Error(`paas ${argv.join(' ')} exited with ${code}: ${stderr}`)
    return stdout
  }

  /** What a lost network does. */
  cutConnections(): void {
    for (const client of this.#clients) client.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#life.disposeAsync()
  }
}

export function runCommand(argv: string[], options: Options): Promise<Said> {
  return runProgram(command, argv, options)
}

/** Any program, to its end. */
export async function runProgram(program: string, argv: string[], { input = '', cwd, env }: Options): Promise<Said> {
  const child = spawn(program, argv, { cwd, env, stdio: 'pipe' })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  child.stdin.on('error', () => undefined).end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

/** How long a program at a terminal may take in all, milliseconds. */
const patience = 60_000

/**
 * Runs a command line at a terminal: types each text when what is shown by then matches, and gives all that was shown,
 * without the sequences that steer the terminal.
 */
export async function typeAt(
  line: string,
  options: { cwd: string; env: NodeJS.ProcessEnv },
  script: { when: RegExp; type: string }[],
): Promise<string> {
  const child = spawn('script', ['-qec', line, '/dev/null'], options)
  const steps = [...script]
  let [raw, shown] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    raw += chunk
    shown = stripVTControlCharacters(raw).replaceAll('\r', '\n')
    if (steps[0]?.when.test(shown)) child.stdin.write(steps.shift()?.type ?? '')
  })
  const late = setTimeout(() => child.kill(), patience)
  await once(child, 'close')
  clearTimeout(late)
  return shown
}

/** A TCP port on loopback that leads to a Unix socket, as the router's does. */
async function openDoor(socket: string, life: AsyncDisposableStack): Promise<{ port: number; clients: Set<Socket> }> {
  const clients = new Set<Socket>()
  const server = createServer((client) => {
    const inner = connect(socket)
    pipeline(client, inner, () => clients.delete(client))
    pipeline(inner, client, () => undefined)
    clients.add(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  life.defer(() => {
    server.close()
    for (const client of clients) client.destroy()
  })
  return { port: (server.address() as AddressInfo).port, clients }
}
