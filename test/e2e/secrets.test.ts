import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestApp } from '../helpers/app.ts'
import { request as getMetrics } from '../helpers/http.ts'
import { commandLine, rolePid } from '../helpers/processes.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { loadConfig } from '../../src/config.ts'
import { findUsers, type User } from '../../src/supervisor/users.ts'
import { opens, runs, statusOf } from './users.ts'

/** Known values are planted in config vars and tokens; then everything the server keeps or shows is searched for them. */

const planted = `planted-${randomBytes(12).toString('hex')}`
let server: TestServer
let app: TestApp
let outputs = ''
let commandLines = ''

beforeAll(async () => {
  server = await startServer()
  app = await TestApp.create(server, 'node-hello')
  await app.api('PATCH', '/config-vars', { SECRET_KEY: planted })
  const watch = watchCommandLines()
  await pushWithBuildScript('cat $ENV_DIR/SECRET_KEY; sleep 1', 'passes')
  await pushWithBuildScript('cat $ENV_DIR/SECRET_KEY >&2; exit 1', 'fails')
  commandLines = watch.stop()
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await server?.stop()
})

/** The build prints the secret on purpose, as careless build scripts do. */
async function pushWithBuildScript(build: string, text: string): Promise<void> {
  const command = build.replaceAll(
    '$ENV_DIR',
    '$(dirname $(find / -name SECRET_KEY -not -path "/proc/*" 2>/dev/null | head -n 1))',
  )
  await app.repository.write(
    'package.json',
    JSON.stringify({ name: 'a', version: '1.0.0', scripts: { start: 'node server.js', build: command } }),
  )
  await app.repository.write('text', text)
  await app.repository.commit(text)
  outputs += (await app.push()).output
}

function watchCommandLines(): { stop(): string } {
  const seen = new Set<string>()
  const timer = setInterval(() => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) seen.add(commandLine(Number(pid)))
  }, 20)
  return {
    stop() {
      clearInterval(timer)
      return [...seen].join('\n')
    },
  }
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** undefined: the server, which runs meanwhile, has taken it away. */
function contentOf(file: string): Buffer | undefined {
  try {
    return readFileSync(file)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
}

describe('a secret', () => {
  it('reaches the app', async () => {
    await app.repository.write(
      'server.js',
      `require('node:http').createServer((q,a)=>a.end(process.env.SECRET_KEY)).listen(process.env.PORT)\n`,
    )
    await pushWithBuildScript('true', 'show')
    expect((await app.get()).body).toBe(planted)
  })

  it('is masked in what a push shows', () => {
    expect(outputs).toContain('[secret]')
    expect(outputs).not.toContain(planted)
  })

  it('is in no file of the data directory: record, logs, kept output, Redis, repositories', () => {
    const files = filesBelow(server.dataDirectory)
    const holders = files.filter((file) => {
      const content = contentOf(file)
      return content?.includes(planted) || content?.includes(server.token)
    })
    // The credentials of the person who started the server are theirs, and not below the data directory of a real server.
    expect(holders.filter((file) => !file.endsWith('credentials.json'))).toEqual([])
  })

  it('is in no key of Redis', () => {
    const redis = (...argv: string[]): string =>
      execFileSync('redis-cli', ['-s', join(server.dataDirectory, 'run/redis/redis.sock'), ...argv], {
        encoding: 'latin1',
      })
    const keys = redis('--scan').split('\n').filter(Boolean)
    expect(keys.length).toBeGreaterThan(0)
    for (const key of keys) expect(redis('DUMP', key), key).not.toContain(planted)
  })

  it('is in no layer and no history of the app image', async () => {
    const { body } = await app.api<{ id: string }>('GET', '')
    const images = execFileSync(
      'docker',
      ['images', '--quiet', '--no-trunc', '--filter', `label=paas.app=${body.id}`],
      { encoding: 'utf8' },
    )
      .split('\n')
      .filter(Boolean)
    expect(images.length).toBeGreaterThan(0)
    for (const image of images) {
      expect(execFileSync('docker', ['history', '--no-trunc', image], { encoding: 'utf8' })).not.toContain(planted)
      expect(execFileSync('docker', ['image', 'inspect', image], { encoding: 'utf8' })).not.toContain(planted)
      expect(await streamContains('docker', ['save', image], planted)).toBe(false)
    }
  })

  it('is in no process list', () => {
    expect(commandLines).toContain('receive-pack')
    expect(commandLines).not.toContain(planted)
  })
})

/** For what root alone can arrange. */
describe.runIf(process.getuid?.() === 0)('a role', () => {
  const users = findUsers()!
  const { docker } = loadConfig()
  const engine = docker.kind === 'socket' ? [docker.path] : []
  const found = (pid: number, paths: string[]): string[] =>
    Object.entries(opens(pid, paths)).flatMap(([path, answer]) => (answer === 'yes' ? [path] : []))

  it.each<[string, User]>([
    ['router', users.router],
    ['api', users.api],
    ['redis', users.api],
    ['worker', users.worker],
  ])('%s is a user of its own, without any capability and without a way to gain one', (role, user) => {
    const status = statusOf(rolePid(server.pid, role))
    expect(status['Uid']).toBe(Array(4).fill(user.uid).join('\t'))
    expect(status['Gid']).toBe(Array(4).fill(user.gid).join('\t'))
    expect(status['Groups']).toBe(user.groups.toSorted((a, b) => a - b).join(' '))
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(status[set]).toBe('0'.repeat(16))
    expect(status['NoNewPrivs']).toBe('1')
  })

  it.runIf(engine.length > 0)(
    'gate, which alone has the engine, is no root either, and says what it uses',
    async () => {
      const status = statusOf(rolePid(server.pid, 'gate'))
      expect(status['Uid']).toBe(Array(4).fill(users.gate.uid).join('\t'))
      expect(status['NoNewPrivs']).toBe('1')
      const headers = { authorization: `Bearer ${server.token}` }
      const { body } = await getMetrics({ port: server.port, host: 'localhost', path: '/metrics', headers })
      expect(body).toMatch(/^paas_memory_bytes\{role="gate"\} [1-9]\d{5,}$/m)
    },
  )

  it.runIf(engine.length > 0)(
    'worker that is taken over gets nothing of the engine but what is its server’s',
    async () => {
      const { paths } = loadConfig(server.env)
      const shadow = `/proc/${server.pid}/root/etc/shadow`
      const memories = ['router', 'api', 'gate'].map((role) => `/proc/${rolePid(server.pid, role)}/mem`)
      const others = [`/proc/${server.pid}/environ`, shadow, ...memories, paths.routingTable, paths.tlsAuthorityKey]
      const wanted = [...engine, ...others, paths.redis, paths.gateSocket]
      expect(found(rolePid(server.pid, 'worker'), wanted)).toEqual([paths.gateSocket])
      const docker = (...argv: string[]) => execFileSync('docker', argv, { encoding: 'utf8' }).trim()
      const [image = ''] = docker('images', '--quiet', '--no-trunc', '--filter', 'label=paas.stack').split('\n')
      const foreign = docker('create', '--label', 'paas.server=another', image, 'true')
      try {
        const ask = (method: string, path: string, body?: object) => askGate(paths.gateSocket, { method, path, body })
        const HostConfig = { Binds: ['/etc:/host'] }
        expect(await ask('POST', '/v1.41/containers/create', { Image: image, HostConfig })).toMatch(/^403 /)
        expect(await ask('GET', `/v1.41/containers/${foreign}/json`)).toMatch(/^404 /)
        expect(await ask('POST', `/v1.41/containers/${foreign}/exec`, { Cmd: ['id'] })).toMatch(/^404 /)
        expect(await ask('POST', `/v1.41/containers/${foreign}/attach?stream=1`, {})).toMatch(/^404 /)
        expect(await ask('GET', `/v1.41/containers/${foreign.slice(0, 12)}/json`)).toMatch(/^404 /)
        expect(await ask('POST', `/host/disk?container=${foreign}&bytes=1&files=1`)).toBe('200 null')
        expect(await ask('GET', '/v1.41/info')).toMatch(/^200 /)
      } finally {
        docker('rm', foreign)
      }
    },
  )

  it.runIf(engine.length > 0)(
    'worker that is taken over changes no rule of the network and sends no raw packet',
    () => {
      const chain = `paas-test-${process.pid}`
      const raw = (...kind: number[]) => ['perl', '-e', `socket(my $s, ${kind.join(', ')}) or die "$!\n"`]
      const attacks = [
        ['iptables', '--new-chain', chain],
        ['iptables', '--delete-chain', chain],
        raw(17, 3, 0x300), // AF_PACKET: whole frames, of ARP too
        raw(2, 3, 255), // AF_INET: packets with any sender
      ]
      for (const attack of attacks) {
        const [program = '', ...argv] = attack
        const { status, said } = runs(rolePid(server.pid, 'worker'), attack)
        expect(said, attack.join(' ')).toMatch(/Permission denied|Operation not permitted/)
        expect(status).not.toBe(0)
        expect(spawnSync(program, argv).status, `root: ${attack.join(' ')}`).toBe(0)
      }
    },
  )

  it('that is taken over opens what it works on, and neither the engine nor what is the others', async () => {
    const { paths } = loadConfig(server.env)
    const { body } = await app.api<{ id: string }>('GET', '')
    const record = [
      paths.database,
      `${paths.database}-wal`,
      paths.key,
      join(paths.repositories, `${body.id}.git/HEAD`),
      paths.sources,
    ]
    const ofRouter = [paths.routingTable, paths.tlsAuthorityKey, paths.tlsCertificate]
    const sockets = [paths.hookSocket, paths.containersSocket, paths.workerSocket, join(paths.runs.redis, 'redis.sock')]
    const shared = [join(paths.logs, body.id), paths.tlsAuthority, paths.apiSocket, paths.rendezvousSocket]
    const others = [paths.serverLog, paths.redis, paths.builds, server.dataDirectory]
    const all = [
      ...engine,
      paths.gateSocket,
      ...record,
      ...ofRouter,
      ...sockets,
      ...shared,
      ...others,
      paths.routerSocket,
    ]
    expect(found(rolePid(server.pid, 'router'), all)).toEqual([...ofRouter, ...shared, paths.routerSocket])
    const ofApi = [...record, ...sockets, ...shared, paths.redis, paths.builds, server.dataDirectory]
    expect(found(rolePid(server.pid, 'api'), all)).toEqual(ofApi)
  })
})

/** The answer: its status and what it says. */
function askGate(
  socketPath: string,
  { method, path, body }: { method: string; path: string; body?: object | undefined },
) {
  const headers = { 'content-type': 'application/json', ...(path.includes('/attach') && upgrading) }
  return new Promise<string>((settle, fail) => {
    const call = request({ socketPath, method, path, headers, agent: false }, (answer) => {
      text(answer).then((said) => settle(`${answer.statusCode} ${said}`), fail)
    })
    call.on('error', fail).end(body && JSON.stringify(body))
  })
}

const upgrading = { connection: 'Upgrade', upgrade: 'tcp' }

/** Whether a program's standard output holds the text; searches across chunk borders. */
function streamContains(program: string, argv: string[], text: string): Promise<boolean> {
  return new Promise((settle, fail) => {
    const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    let tail = ''
    let found = false
    child.stdout.on('data', (chunk: Buffer) => {
      const window = tail + chunk.toString('latin1')
      found ||= window.includes(text)
      tail = window.slice(-text.length)
    })
    child.on('close', (code) => (code === 0 ? settle(found) : fail(new Error(`${program} exited with ${code}`))))
  })
}
