import { spawn, type ChildProcess } from 'node:child_process'
import { on, once } from 'node:events'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { Agent, type ClientRequest, request, type IncomingMessage } from 'node:http'
import { Agent as SecureAgent, request as requestSecurely } from 'node:https'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig, type Config } from '../../src/config.ts'
import { openDataDirectory } from '../../src/data-directory.ts'
import { connectRouterControl, routerStatus } from '../../src/router/control/client.ts'
import { TableFile } from '../../src/router/table/table-file.ts'
import { startApp, type TestApp } from './helpers/apps.ts'
import { freePort } from '../helpers/free-port.ts'
import { commandLine } from '../helpers/processes.ts'
import { RawClient, talk } from './helpers/raw-client.ts'
import { route } from './helpers/router.ts'

const main = resolve(import.meta.dirname, '../../src/main/router.ts')
const get = 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n'
let app: TestApp
let config: Config
let environment: NodeJS.ProcessEnv
let children: ChildProcess[]

beforeEach(async () => {
  children = []
  app = await startApp((_, res) => setImmediate(() => res.end('served')))
  const directory = await mkdtemp(join(tmpdir(), 'paas-router-'))
  const settings = {
    PAAS_DATA: directory,
    PAAS_HTTP_PORT: String(await freePort()),
    PAAS_HTTPS_PORT: String(await freePort()),
    PAAS_LOG_LEVEL: 'warn',
    PAAS_APP_CONNECTIONS_PERCENT: '100',
  }
  config = loadConfig(settings)
  environment = { ...process.env, ...settings }
  openDataDirectory(config)
  await new TableFile(config.paths).save({
    controlHost: 'localhost',
    controlSocket: config.paths.apiSocket,
    routes: [route([app])],
  })
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  // The one that outlived its supervisor is nobody's child.
  const orphan = await routerStatus(config.paths.routerSocket).catch(() => undefined)
  if (orphan !== undefined && orphan.pid !== process.pid) process.kill(orphan.pid, 'SIGKILL')
  await Promise.all(
    children
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
      .map((child) => once(child, 'exit')),
  )
  await app[Symbol.asyncDispose]()
  await rm(config.dataDirectory, { recursive: true })
})

async function start(openFiles = 20_000): Promise<{ child: ChildProcess; message: unknown }> {
  const child = spawn('sh', ['-c', `ulimit -n ${openFiles} && exec "$0" "$1"`, process.execPath, main], {
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  children.push(child)
  for await (const [message] of on(child, 'message') as AsyncIterable<[object]>) {
    if (!('alive' in message)) return { child, message }
  }
  throw new Error('the router said nothing')
}

describe('the router process', () => {
  it('serves the saved routes without any other process, and logs in the app’s log', async () => {
    const { child, message } = await start()
    expect(message).toEqual({ ready: true })
    expect(await talk(config.httpPort, get)).toMatch(/served/)
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
    const logs = join(config.paths.logs, 'app-1')
    const lines = await readFile(join(logs, (await readdir(logs))[0]!), 'utf8')
    expect(lines).toMatch(
      /^\S+ heroku\[router\]: at=info method=GET path="\/" host=app\.test .* status=200 bytes=6 protocol=http\n$/,
    )
  })

  it('tells apps the public URL’s scheme, and whom the trusted proxies name', async () => {
    const settings = { PAAS_PUBLIC_URL: 'https://localhost', PAAS_TRUSTED_PROXIES: '127.0.0.0/8' }
    environment = { ...environment, ...settings }
    await start()
    const arrived = once(app.server, 'request')
    await talk(config.httpPort, get.replace('\r\n\r\n', '\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n'))
    const [{ headers }] = (await arrived) as [IncomingMessage]
    expect(headers).toMatchObject({ 'x-forwarded-for': '192.0.2.7', 'x-forwarded-proto': 'https' })
  })

  it('shows an app below localhost a certificate of its own, by the server’s authority', async () => {
    const table = { controlHost: 'localhost', controlSocket: config.paths.apiSocket }
    await new TableFile(config.paths).save({ ...table, routes: [route([app], { hosts: ['acme.localhost'] })] })
    await start()
    const place = { port: config.httpsPort, host: '127.0.0.1', servername: 'acme.localhost', agent: false as const }
    const ca = await readFile(config.paths.tlsAuthority, 'utf8')
    const asked = requestSecurely({ ...place, ca, headers: { host: 'acme.localhost' } }).end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    expect(await text(answer)).toBe('served')
  })

  it('serves again after SIGKILL', async () => {
    const { child } = await start()
    child.kill('SIGKILL')
    await once(child, 'exit')
    await start()
    expect(await talk(config.httpPort, get)).toMatch(/served/)
  })

  it('answers what is under way before it ends at SIGTERM', async () => {
    const { child } = await start()
    app.server.removeAllListeners('request')
    using client = await RawClient.connect(config.httpPort)
    const arrived = once(app.server, 'request')
    client.send('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
    const [, response] = await arrived
    child.kill('SIGTERM')
    while (await accepts()) await new Promise((wake) => setTimeout(wake, 10))
    response.end('late')
    expect(await client.untilClosed()).toMatch(/late/)
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  it('tells its supervisor why it cannot start', async () => {
    await start()
    environment = { ...environment, PAAS_DATA: await mkdtemp(join(tmpdir(), 'paas-router-')) }
    const { child, message } = await start()
    expect(message).toMatchObject({ failed: { code: 'port_in_use' } })
    if (child.exitCode === null) await once(child, 'exit')
    expect(child.exitCode).toBe(1)
    await rm(environment['PAAS_DATA']!, { recursive: true })
  })

  it('with few descriptors turns new connections away, serves those it has, and recovers', async () => {
    await start(350)
    const clients: RawClient[] = []
    for (let i = 0; i < 200; i++) clients.push(await RawClient.connect(config.httpPort))
    const turnedAway = clients.slice(50)
    for (const client of turnedAway) expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 503 [^]*H22/)
    const kept = clients.slice(0, 50)
    for (const client of kept) client.send('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
    for (const client of kept) expect(await client.until(/served/)).toMatch(/^HTTP\/1\.1 200 /)
    for (const client of kept) client.socket.destroy()
    let answer = ''
    while (!answer.includes('served')) answer = await talk(config.httpPort, get)
    expect((await routerStatus(config.paths.routerSocket))?.counters.turnedAway).toBeGreaterThanOrEqual(150)
  })

  it('outlives its supervisor', async () => {
    const supervisor = spawn(
      process.execPath,
      [
        '-e',
        `require('child_process').spawn(process.execPath, [${JSON.stringify(main)}], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] }).on('message', ({ ready }) => ready && console.log('ready')); setInterval(() => {}, 1000)`,
      ],
      { env: { ...environment, PAAS_LOG_LEVEL: 'trace' }, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    children.push(supervisor)
    await once(supervisor.stdout!, 'data')
    supervisor.kill('SIGKILL')
    await once(supervisor, 'exit')
    const control = connectRouterControl(config.paths.routerSocket)
    await control.switchTo(route([app], { hosts: ['app.test', 'www.test'] }))
    expect(await talk(config.httpPort, get.replace('app.test', 'www.test'))).toMatch(/served/)
    const status = await routerStatus(config.paths.routerSocket)
    process.kill(status!.pid, 'SIGTERM')
    while (await accepts()) await new Promise((wake) => setTimeout(wake, 10))
    // It may still have something to write to its directory, which goes now.
    await expect.poll(() => commandLine(status!.pid)).toBe('')
  })

  // How long six starts take is the machine's, as is how many requests come meanwhile: this ends a hang.
  it('is replaced five times under load without a failed request', { timeout: 600_000 }, async () => {
    await start()
    const agent = new Agent({ keepAlive: true, maxSockets: 8 })
    const secureAgent = new SecureAgent({ keepAlive: true, maxSockets: 2 })
    const failures: string[] = []
    let running = true
    let served = 0
    const lane = async (ask: () => ClientRequest): Promise<void> => {
      while (running) {
        try {
          const outgoing = ask().end()
          const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
          response.resume()
          await once(response, 'end')
          if (response.statusCode !== 200) failures.push(`status ${response.statusCode}`)
          served++
        } catch (cause) {
          failures.push(String(cause))
        }
      }
    }
    const plain = { port: config.httpPort, headers: { host: 'app.test' } }
    const secure = { ...plain, port: config.httpsPort, servername: 'app.test', rejectUnauthorized: false }
    const lanes = [
      ...Array.from({ length: 4 }, () => lane(() => request({ ...plain, agent }))),
      ...Array.from({ length: 2 }, () => lane(() => request({ ...plain, agent: false }))),
      ...Array.from({ length: 2 }, () => lane(() => requestSecurely({ ...secure, agent: secureAgent }))),
      lane(() => requestSecurely({ ...secure, agent: false })),
    ]
    for (let i = 0; i < 5; i++) {
      const before = served
      while (served < before + 200) await new Promise((wake) => setTimeout(wake, 10))
      await start()
    }
    running = false
    await Promise.all(lanes)
    agent.destroy()
    secureAgent.destroy()
    expect(failures).toEqual([])
  })
})

async function accepts(): Promise<boolean> {
  try {
    using _client = await RawClient.connect(config.httpPort)
    return true
  } catch {
    return false // refused: nobody listens any more
  }
}
