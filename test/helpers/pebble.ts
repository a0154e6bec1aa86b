import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'node:https'
import { testAuthority } from './certificates.ts'
import { freePort } from './free-port.ts'
import { buildWithGo } from './go-programs.ts'

const version = 'v2.10.3'
const modules = ['pebble', 'pebble-challtestsrv'].map(
  (name) => `github.com/letsencrypt/pebble/v2/cmd/${name}@${version}`,
)
const { directory: programs, lack } = await buildWithGo(`pebble-${version}`, modules)

/** Why there is no Pebble here; undefined: it is there. */
export const whyNoPebble = lack

export type PebbleOptions = {
  /** Where it comes to look at names. */
  ports: { http: number; tls: number }
  /** Another one that it asks, instead of its own. */
  nameServer?: string | undefined
  env?: Record<string, string>
  config?: Record<string, unknown>
  profiles?: Record<string, { description: string; validityPeriod: number }>
}

/** Let's Encrypt's own small authority, which refuses half of the nonces, and a name server that says what it is told. */
export class Pebble implements AsyncDisposable {
  readonly directory: string
  /** A file with the authority that the directory's own certificate is of. */
  readonly authority: string
  readonly nameServer: string
  /** Where the name server is told what to say. */
  readonly manage: string
  /** All it printed. */
  output = ''
  readonly #life: AsyncDisposableStack
  readonly #management: number
  readonly #start: () => Promise<ChildProcess>
  #process: ChildProcess | undefined

  private constructor(place: {
    life: AsyncDisposableStack
    home: string
    ports: { directory: number; management: number; dns: number; manage: number }
    nameServer: string | undefined
    env: Record<string, string>
  }) {
    const { life, home, ports, nameServer, env } = place
    this.#life = life
    this.directory = `https://localhost:${ports.directory}/dir`
    this.authority = join(home, 'authority.pem')
    this.nameServer = nameServer ?? `127.0.0.1:${ports.dns}`
    this.manage = `http://127.0.0.1:${ports.manage}`
    this.#management = ports.management
    this.#start = () =>
      this.#run('pebble', ['-config', join(home, 'config.json'), '-dnsserver', this.nameServer], {
        env: { PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '50', PEBBLE_AUTHZREUSE: '0', ...env },
        until: /ACME directory available/,
      })
  }

  static async start({ ports: seen, nameServer, env = {}, config = {}, profiles }: PebbleOptions): Promise<Pebble> {
    await using life = new AsyncDisposableStack()
    const home = await mkdtemp(join(tmpdir(), 'paas-pebble-'))
    life.defer(() => rm(home, { recursive: true }))
    const ports = {
      directory: await freePort(),
      management: await freePort(),
      dns: await freePort(),
      manage: await freePort(),
    }
    const authority = await testAuthority()
    const { certificate, key } = await authority.issue(['localhost', '127.0.0.1'])
    const file = async (name: string, text: string): Promise<string> => {
      await writeFile(join(home, name), text)
      return join(home, name)
    }
    await file('authority.pem', authority.certificate)
    const pebble = {
      listenAddress: `127.0.0.1:${ports.directory}`,
      managementListenAddress: `127.0.0.1:${ports.management}`,
      certificate: await file('certificate.pem', certificate),
      privateKey: await file('key.pem', key),
      httpPort: seen.http,
      tlsPort: seen.tls,
      ocspResponderURL: '',
      externalAccountBindingRequired: false,
      retryAfter: { authz: 1, order: 1 },
      keyAlgorithm: 'ecdsa',
      ...(profiles && { profiles }),
      ...config,
    }
    await file('config.json', JSON.stringify({ pebble }))
    const made = new Pebble({ life: life.move(), home, ports, nameServer, env })
    await made.#run(
      'pebble-challtestsrv',
      [
        `-dnsserver=127.0.0.1:${ports.dns}`,
        `-management=127.0.0.1:${ports.manage}`,
        ...['http01', 'https01', 'tlsalpn01', 'doh', 'defaultIPv4', 'defaultIPv6'].map((name) => `-${name}=`),
      ],
      { until: /Starting management server|Creating/ },
    )
    await made.begin()
    return made
  }

  /** Starts it, the first time or again after `end`, with an empty memory. */
  async begin(): Promise<void> {
    this.#process = await this.#start()
  }

  /** It is down: connections are refused. */
  async end(): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child === undefined) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  /** What the name server says of a name from now on. */
  async says(host: string, addresses: string[]): Promise<void> {
    const of = (family: RegExp) => addresses.filter((address) => family.test(address))
    await this.#ask('add-a', { host, addresses: of(/^[\d.]+$/) })
    const ipv6 = of(/:/)
    if (ipv6.length > 0) await this.#ask('add-aaaa', { host, addresses: ipv6 })
  }

  get orders(): number {
    return this.output.split('\n').filter((line) => line.includes('-> calling newOrder') || / Added order /.test(line))
      .length
  }

  /** The CAA records of a name let only somebody else issue. */
  async forbids(host: string): Promise<void> {
    await this.#ask('add-caa', { host, policies: [{ tag: 'issue', value: 'other.example' }] })
  }

  async permits(host: string): Promise<void> {
    await this.#ask('clear-caa', { host })
  }

  /** A certificate of it is to be renewed now. */
  async wantsRenewal(certificate: string): Promise<void> {
    const now = Date.now()
    const window = { start: new Date(now - 60_000).toISOString(), end: new Date(now - 1_000).toISOString() }
    const body = JSON.stringify({ certificate, ariResponse: JSON.stringify({ suggestedWindow: window }) })
    const { hostname } = new URL(this.directory)

    const status = await new Promise<number | undefined>((resolve, reject) => {
      const options = {
        hostname,
        port: this.#management,
        path: '/set-renewal-info/',
        method: 'POST',
        headers: { 'user-agent': 'test' },
      }
      const asked = request({ ...options, rejectUnauthorized: false }, (answer) => resolve(answer.resume().statusCode))
      asked.on('error', reject).end(body)
    })
    if (status !== 200) throw new Error(`set-renewal-info: ${status}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
    await this.#life.disposeAsync()
  }

  async #ask(verb: string, body: object): Promise<void> {
    const { ok, status } = await fetch(`${this.manage}/${verb}`, { method: 'POST', body: JSON.stringify(body) })
    if (!ok) throw new Error(`${verb}: ${status}`)
  }

  async #run(
    name: string,
    argv: string[],
    { env = {}, until }: { env?: Record<string, string>; until: RegExp },
  ): Promise<ChildProcess> {
    const child = spawn(join(programs, name), argv, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#life.defer(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    })
    const before = this.output.length
    await new Promise<void>((ready, fail) => {
      const heard = (chunk: Buffer): void => {
        this.output += chunk.toString()
        if (until.test(this.output.slice(before))) ready()
      }
      child.stdout.on('data', heard)
      child.stderr.on('data', heard)
      child.once('error', fail)
      child.once('exit', (code) => fail(new Error(`${name} exited with ${code}:\n${this.output}`)))
    })
    return child
  }
}
