import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { Semaphore } from 'async-mutex'
import { gitEnvironment, run } from '../helpers/repository.ts'
import type { TestServer } from '../helpers/server.ts'
import { runProgram, typeAt, type Said } from '../cli/terminal.ts'

const checkout = resolve(import.meta.dirname, '../..')
const clients = join(checkout, 'test/fixtures/heroku-clients/node_modules')
const guard = resolve(import.meta.dirname, 'loopback-only.cjs')

export type Options = { input?: string; cwd?: string; env?: NodeJS.ProcessEnv }

/**
 * Somebody with Heroku's own command and a home directory of their own, whose shell has evaluated `paas heroku:env`, on a
 * machine that has no connection to anywhere.
 */
export class HerokuUser implements AsyncDisposable {
  readonly home: string
  readonly env: NodeJS.ProcessEnv
  /** The command is a second of work for one core. */
  readonly #turns = new Semaphore(2)

  private constructor(home: string, env: NodeJS.ProcessEnv) {
    this.home = home
    this.env = env
  }

  static async start({ url, token }: Pick<TestServer, 'url' | 'token'>): Promise<HerokuUser> {
    if (!existsSync(clients)) throw new Error("Heroku's command is not installed: run bin/setup --tests")
    const home = await mkdtemp(join(tmpdir(), 'paas-heroku-'))
    await mkdir(join(home, 'tmp'))
    const env = { ...bareEnvironment(home), PAAS_URL: url, PAAS_TOKEN: token }
    return new HerokuUser(home, await evaluate('eval "$(paas heroku:env)"', env))
  }

  /** Runs Heroku's command to its end, in the home directory unless told otherwise. */
  heroku(argv: string[], options: Options = {}): Promise<Said> {
    return this.#turns.runExclusive(() => this.run('heroku', argv, options))
  }

  /** Likewise for what must succeed; gives its stdout. */
  async succeed(argv: string[], options: Options = {}): Promise<string> {
    const { code, stdout, stderr } = await this.heroku(argv, options)
    if (code !== 0) throw new Error(`heroku ${argv.join(' ')} exited with ${code}: ${stderr}${stdout}`)
    return stdout
  }

  /** Any other program in the same shell, such as git. */
  run(program: string, argv: string[], { input, cwd = this.home, env }: Options = {}): Promise<Said> {
    return runProgram(program, argv, { cwd, env: { ...this.env, ...env }, ...(input === undefined ? {} : { input }) })
  }

  /** A program that goes on until it is stopped. */
  start(program: string, argv: string[]): { shown(): string; stop(): Promise<void> } {
    const child = spawn(program, argv, { cwd: this.home, env: this.env, stdio: ['ignore', 'pipe', 'pipe'] })
    const closed = once(child, 'close')
    let shown = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => (shown += chunk))
    }
    return {
      shown: () => shown,
      stop: async () => {
        child.kill('SIGINT')
        await closed
      },
    }
  }

  /** A command line at a terminal: types each text when what is shown matches, and gives all that was shown. */
  typeAt(line: string, { cwd = this.home, env }: Options, script: { when: RegExp; type: string }[]): Promise<string> {
    return this.#turns.runExclusive(() => typeAt(line, { cwd, env: { ...this.env, ...env } }, script))
  }

  /** What was asked of the network beyond this machine, by any of its programs that run on Node. */
  async strayConnections(): Promise<string[]> {
    const path = this.env['STRAY_CONNECTIONS'] ?? ''
    return existsSync(path) ? (await readFile(path, 'utf8')).trim().split('\n') : []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.home, { recursive: true, force: true })
  }
}

function bareEnvironment(home: string): NodeJS.ProcessEnv {
  const { GIT_CONFIG_GLOBAL: _config, ...env } = gitEnvironment()
  const kept = Object.entries(env).filter(
    ([name]) => !/^(XDG_|HEROKU_|PAAS_|NODE_|GIT_SSL_|SSL_CERT_|CI$|https?_proxy$)/i.test(name),
  )
  return {
    ...Object.fromEntries(kept),
    PATH: [join(clients, '.bin'), join(checkout, 'bin'), process.env['PATH']].join(delimiter),
    HOME: home,
    TMPDIR: join(home, 'tmp'),
    TZ: 'UTC',
    TERM: 'xterm',
    STRAY_CONNECTIONS: join(home, 'stray-connections'),
    NODE_OPTIONS: `--require=${guard}`,
    // Compiling takes a third of the time of each start.
    NODE_COMPILE_CACHE: join(tmpdir(), 'paas-test-cache/heroku'),
  }
}

/** The environment as it is after a line of a shell. */
async function evaluate(line: string, env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const { code, output } = await run('sh', ['-ec', `${line}; env -0`], { env })
  if (code !== 0) throw new Error(`${line} failed: ${output}`)
  return Object.fromEntries(output.split('\0').flatMap((entry) => [...entry.matchAll(/^(\w+)=(.*)$/gs)].map(pair)))
}

function pair([, name, value]: RegExpMatchArray): [string, string] {
  return [name ?? '', value ?? '']
}
