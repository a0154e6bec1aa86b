import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { loadConfig, type Config } from '../src/config.ts'
import { openDataDirectory } from '../src/data-directory.ts'
import { connectDocker } from '../src/engine/docker/docker.ts'
import { createLog } from '../src/log.ts'

/**
 * The whole main job by itself: a server, an app, a push, a request. Exits with 0 only if the app
 * answered.
 */

const root = resolve(import.meta.dirname, '..')
const usualPort = 8080

/**
 * Ctrl-C, or that nobody reads on, ends the step in progress; what was made is removed all the
 * same.
 */
const interruption = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => interruption.abort())
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => interruption.abort())

process.exitCode = (await demo()) && !interruption.signal.aborted ? 0 : 1

async function demo(): Promise<boolean> {
  const place = mkdtempSync(join(tmpdir(), 'paas-demo-'))
  const env = await environment(place)
  const config = loadConfig(env)
  say(`A server of its own, with its data in ${config.dataDirectory}`)
  const server = spawn(process.execPath, [join(root, 'dist/server.js')], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    return (await ready(server)) && (await deploy(join(place, 'hello'), env, config))
  } finally {
    say('Stopping the server and removing all it made')
    await stop(server)
    await removeAll(config)
    rmSync(place, { recursive: true, force: true })
  }
}

async function deploy(app: string, env: NodeJS.ProcessEnv, config: Config): Promise<boolean> {
  say('A new git repository with a small Node.js app')
  cpSync(join(root, 'demo'), app, { recursive: true })
  const run = (program: string, ...argv: string[]): Promise<boolean> => runIn(app, env, program, argv)
  const steps = [
    ['git', 'init', '--quiet', '--initial-branch=main'],
    ['git', 'add', '.'],
    ['git', '-c', 'user.name=Demo', '-c', 'user.email=demo@example.com', 'commit', '--quiet', '--message=Hello'],
    ['paas', 'create', 'hello'],
    ['git', 'push', 'paas', 'main'],
  ]
  for (const [program = '', ...argv] of steps) {
    if (!(await run(program, ...argv))) return false
  }
  return answers(new URL(config.publicUrl), `hello.${config.domain}`)
}

/**
 * `*.localhost` is not in every resolver: the request goes to this machine, with the app's name in
 * it.
 */
async function answers({ port }: URL, host: string): Promise<boolean> {
  say(`GET http://${host}:${port || 80}/`)
  const outgoing = request({ host: '127.0.0.1', port, headers: { host: `${host}:${port || 80}` } }).end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const body = await text(response)
  process.stdout.write(`${response.statusCode} ${body}`)
  return response.statusCode === 200 && body.startsWith('Hello from web.1')
}

async function environment(place: string): Promise<NodeJS.ProcessEnv> {
  const port = (await isFree(usualPort)) ? usualPort : await freePort()
  return {
    ...process.env,
    PATH: [join(root, 'bin'), process.env['PATH']].join(delimiter),
    PAAS_SETTINGS: 'off',
    PAAS_DATA: join(place, 'data'),
    PAAS_HTTP_PORT: String(port),
    PAAS_HTTPS_PORT: 'off',
    PAAS_DOMAIN: 'localhost',
    PAAS_URL: '',
    PAAS_TOKEN: '',
    XDG_CONFIG_HOME: join(place, 'config'),
  }
}

/** False when it ended without becoming ready; it has said why. */
async function ready(server: ChildProcess): Promise<boolean> {
  if (!server.stdout) return false
  const lines = createInterface({ input: server.stdout })
  return new Promise((settle) => {
    lines.on('line', (line) => {
      if (/^(paas:| {2}\w+ +started|ready )/.test(line)) process.stdout.write(`${line}\n`)
      if (line.startsWith('ready ')) settle(true)
    })
    lines.once('close', () => settle(false))
    interruption.signal.addEventListener('abort', () => settle(false))
  })
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  server.kill('SIGINT')
  await once(server, 'exit')
}

async function removeAll(config: Config): Promise<void> {
  const { serverId } = openDataDirectory(config)
  await connectDocker({ docker: config.docker, serverId, log: createLog('demo', 'warn') }).removeServer()
}

async function runIn(cwd: string, env: NodeJS.ProcessEnv, program: string, argv: string[]): Promise<boolean> {
  process.stdout.write(`$ ${[program, ...argv].join(' ')}\n`)
  const child = spawn(program, argv, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'], signal: interruption.signal })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code === 0
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port)
  const free = await once(server, 'listening').then(
    () => true,
    () => false,
  )
  server.close()
  return free
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

function say(step: string): void {
  process.stdout.write(`\n== ${step}\n`)
}
