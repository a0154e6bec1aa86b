import { execFile, spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { routerStatus } from '../../src/router/control/client.ts'
import { removeFromEngine } from './engine.ts'
import { freePort } from './free-port.ts'
import { commandLine } from './processes.ts'

const run = promisify(execFile)
const sources = resolve(import.meta.dirname, '../../src/main')

export type ServerOptions = {
  env?: Record<string, string>
  /** argv in front of the server's, to run it somewhere else than here: in a network namespace, say. */
  prefix?: string[]
  /** What the server's argv ends with. */
  argv?: string[]
  /** Runs this instead of the sources. */
  bundle?: { directory: string } | undefined
  /** Runs it with this program instead of the Node.js that runs us. */
  program?: string
  /** Runs on a copy of what this one's data directory is now. */
  copyOf?: TestServer
}

/** Starts a whole server, as `npm start` does but from the sources, on a data directory and a port of its own; resolves when it is ready. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), 'paas-server-'))
  const server = new TestServer(directory, await freePorts(), options)
  try {
    await options.copyOf?.copyTo(server)
    await server.start()
  } catch (cause) {
    await server.stop()
    throw cause
  }
  return server
}

export class TestServer implements AsyncDisposable {
  readonly port: number
  /** The one that speaks TLS, with a certificate of `tlsAuthority`. */
  readonly httpsPort: number
  /** `http://localhost:PORT`: what users type. Connect to 127.0.0.1 and set Host (see `request`). */
  readonly url: string
  readonly dataDirectory: string
  /** What the server, and a command for it, is started with. The home directory is a temporary one. */
  readonly env: NodeJS.ProcessEnv
  /** The secret of the account that the first start made. */
  token = ''
  /** All it printed on the terminal, of every start. */
  output = ''
  readonly #directory: string
  readonly #prefix: string[]
  readonly #argv: string[]
  readonly #copyOf: TestServer | undefined
  readonly #main: string
  readonly #node: string
  #process: ChildProcess | undefined

  constructor(directory: string, { port, httpsPort }: Ports, options: ServerOptions) {
    const { env = {}, prefix = [], argv = [], copyOf, bundle, program = process.execPath } = options
    this.#main = bundle ? join(bundle.directory, 'server.js') : join(sources, 'server.ts')
    this.#directory = directory
    this.#node = program
    this.#prefix = prefix
    this.#argv = argv
    this.#copyOf = copyOf
    this.port = port
    this.httpsPort = httpsPort
    this.url = `http://localhost:${port}`
    this.dataDirectory = env['PAAS_DATA'] ?? join(directory, 'data')
    this.env = {
      ...process.env,
      ...(bundle ? {} : { NODE_COMPILE_CACHE: resolve(sources, '../../node_modules/.cache/compiled') }),
      HOME: directory,
      XDG_CONFIG_HOME: join(directory, 'config'),
      PAAS_SETTINGS: 'off',
      PAAS_DATA: this.dataDirectory,
      PAAS_HTTP_PORT: String(port),
      PAAS_HTTPS_PORT: String(httpsPort),
      PAAS_DEPLOY_HOLD: '0', // nobody waits for what few tests are about
      PAAS_BUILD_STANDBY: '0',
      ...env,
    }
  }

  /** The file that its clients have to trust. */
  get tlsAuthority(): string {
    return join(this.dataDirectory, 'tls/authority.pem')
  }

  /** The supervisor's. */
  get pid(): number {
    const pid = this.#process?.pid
    if (pid === undefined) throw new Error('the server does not run')
    return pid
  }

  /** Starts it, the first time or again after `kill` or `terminate`; resolves when it is ready. */
  async start(...flags: string[]): Promise<void> {
    const [program = this.#node, ...argv] = [...this.#prefix, this.#node, this.#main, ...this.#argv, ...flags]
    const child = spawn(program, argv, { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process = child
    await this.#readyLine(child)
    this.token = await this.#firstToken()
  }

  /** Starts another on the same data directory, which takes over; resolves when that is ready and the one before has ended. */
  async takeOver(): Promise<void> {
    const before = this.#process
    await this.start('--take-over')
    if (before?.exitCode === null && before.signalCode === null) await once(before, 'exit')
  }

  /** Gives the other its files and its login, as they are now. */
  async copyTo(other: TestServer): Promise<void> {
    await run('cp', ['--archive', this.dataDirectory, other.dataDirectory])
    const login = { servers: { [other.url]: { token: this.token } } }
    await mkdir(join(other.#directory, 'config/paas'), { recursive: true })
    await writeFile(join(other.#directory, 'config/paas/credentials.json'), JSON.stringify(login), { mode: 0o600 })
  }

  /** kill -9 of the supervisor; the router serves on. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** As for a restart: the router serves on until the next start. Gives the exit code. */
  async terminate(): Promise<number | null> {
    return this.#end('SIGTERM')
  }

  /** Ctrl-C: all of it ends; the apps run on. */
  async interrupt(): Promise<number | null> {
    return this.#end('SIGINT')
  }

  /** Stops the server and removes all it made: containers, networks, volumes, images, files. */
  async stop(): Promise<void> {
    await this.interrupt()
    await this.#endLeftRouter()
    const serverId = await this.serverId()
    const isOwn = serverId !== undefined && serverId !== (await this.#copyOf?.serverId())
    if (isOwn) await removeFromEngine(serverId)
    await rm(this.#directory, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #readyLine(child: ChildProcessByStdio<null, Readable, Readable>): Promise<void> {
    const before = this.output.length
    return new Promise((ready, fail) => {
      const onOutput = (chunk: Buffer): void => {
        this.output += chunk.toString()
        if (/^ready /m.test(this.output.slice(before))) ready()
      }
      child.stdout.on('data', onOutput)
      child.stderr.on('data', onOutput)
      child.once('error', fail)
      child.once('close', (code) => {
        fail(new Error(`the server exited with ${code} before it was ready:\n${this.output}`))
      })
    })
  }

  async #firstToken(): Promise<string> {
    const path = join(this.#directory, 'config/paas/credentials.json')
    const { servers } = JSON.parse(await readFile(path, 'utf8')) as { servers: Record<string, { token: string }> }
    const login = servers[this.url]
    if (!login) throw new Error(`${path} has no login for ${this.url}`)
    return login.token
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    child.kill(signal)
    await once(child, 'exit')
    return child.exitCode
  }

  /** Of a server that ended before this. */
  async #endLeftRouter(): Promise<void> {
    const router = await routerStatus(join(this.dataDirectory, 'run/router/control.sock'))
    if (router === undefined) return
    for (const pid of router.pids) process.kill(pid, 'SIGTERM')
    while (router.pids.some((pid) => commandLine(pid) !== '')) await new Promise((wake) => setTimeout(wake, 20))
  }

  /** undefined when it did not come so far as to have one. */
  async serverId(): Promise<string | undefined> {
    const path = join(this.dataDirectory, 'paas.json')
    if (!existsSync(path)) return undefined
    return (JSON.parse(await readFile(path, 'utf8')) as { serverId: string }).serverId
  }
}

type Ports = { port: number; httpsPort: number }

async function freePorts(): Promise<Ports> {
  const port = await freePort()
  for (;;) {
    const httpsPort = await freePort()
    if (httpsPort !== port) return { port, httpsPort }
  }
}
