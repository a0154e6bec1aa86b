import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { routerStatus } from '../../src/router/control/client.ts'
import { until } from '../helpers/app.ts'
import { childrenOf, commandLine } from '../helpers/processes.ts'
import { freePort } from '../helpers/free-port.ts'
import { request } from '../helpers/http.ts'

const script = resolve(import.meta.dirname, 'run-server.ts')
const environment = {
  PATH: process.env['PATH'],
  NODE_COMPILE_CACHE: resolve(import.meta.dirname, '../../node_modules/.cache/compiled'),
}

/** A supervisor with roles that do nothing but live, on a data directory of its own. */
export class SupervisedServer implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'paas-supervisor-'))
  readonly data: string
  readonly port: number
  output = ''
  /** Descriptors of sockets that it gets as systemd gives them (sd_listen_fds(3)). */
  sockets: number[] = []
  /** What its argv begins with. */
  prefix: string[] = []
  #process: ChildProcess | undefined

  private constructor({ port, data }: { port: number; data?: string }) {
    this.port = port
    this.data = data ?? join(this.directory, 'data')
  }

  static async start(env: Record<string, string> = {}): Promise<SupervisedServer> {
    const server = await SupervisedServer.prepare()
    await server.start(env)
    return server
  }

  /** @param other has the same data directory and port */
  static async prepare(other?: SupervisedServer): Promise<SupervisedServer> {
    return new SupervisedServer(other ?? { port: await freePort() })
  }

  /** Resolves when it is ready or has ended; `output` tells. */
  async start(env: Record<string, string> = {}, ...argv: string[]): Promise<void> {
    this.output = ''
    const settings = { PAAS_DATA: this.data, PAAS_HTTP_PORT: String(this.port), PAAS_HTTPS_PORT: 'off' }
    const handed = this.sockets.length > 0 ? 'export LISTEN_PID=$$; ' : ''
    const child = spawn('sh', ['-c', `${handed}exec "$@"`, 'sh', ...this.prefix, process.execPath, script, ...argv], {
      env: { ...environment, ...settings, LISTEN_FDS: String(this.sockets.length), ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...this.sockets],
    })
    this.#process = child
    const onOutput = (chunk: Buffer): void => void (this.output += chunk.toString())
    child.stdout?.on('data', onOutput)
    child.stderr?.on('data', onOutput)
    const closed = once(child, 'close')
    await Promise.race([closed, this.says(/^ready /m)])
  }

  /** Stops reading what it says, as `| head` does. Whatever it writes then fails with EPIPE. */
  leave(): void {
    this.#process?.stdout?.destroy()
    this.#process?.stderr?.destroy()
  }

  says(pattern: RegExp): Promise<unknown> {
    return until(`the server says ${pattern}`, async () => pattern.test(this.output), 60_000)
  }

  get pid(): number {
    const pid = this.#process?.pid
    if (pid === undefined) throw new Error('the server was never started')
    return pid
  }

  /** The pid of a child by what its command line has in it. */
  child(part: string): number | undefined {
    return childrenOf(this.pid).find((pid) => commandLine(pid).includes(part))
  }

  /** @throws when there is no such child: 0 would be our own process group (kill(2)) */
  pidOf(part: string): number {
    const pid = this.child(part)
    if (pid === undefined) throw new Error(`the server has no child ${part}`)
    return pid
  }

  log(): { role: string; msg: string; pid?: number; reason?: string; pauseMs?: number }[] {
    const lines = readFileSync(join(this.data, 'server.log'), 'utf8').trim().split('\n')
    return lines.map((line) => JSON.parse(line) as ReturnType<SupervisedServer['log']>[number])
  }

  /** Of the router that answers; undefined when none does. */
  async routerPid(): Promise<number | undefined> {
    return (await routerStatus(join(this.data, 'run/router.sock')))?.pid
  }

  /** Rejects when nobody listens on the port. The router answers by itself: it has no such app. */
  async serves(): Promise<boolean> {
    return (await request({ port: this.port, host: 'app.test' })).status === 404
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    child.kill(signal)
    await once(child, 'close') // with all that it said
    return child.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGINT')
    const router = await routerStatus(join(this.data, 'run/router.sock'))
    for (const pid of router?.pids ?? []) process.kill(pid, 'SIGTERM')
    rmSync(this.directory, { recursive: true, force: true })
  }
}
