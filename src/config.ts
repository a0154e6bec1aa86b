import { isIP } from 'node:net'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { PaasError } from './errors.ts'
import { dynoSizes, sizeNamed, type DynoSize, type DynoSizes } from './model/formation.ts'

/** All settings of a server. Made once at start by `loadConfig`; only this file reads the environment. */
export type Config = {
  /** Absolute. */
  dataDirectory: string
  paths: Paths
  httpPort: number
  /** undefined: nothing listens for TLS. */
  httpsPort: number | undefined
  /** Apps live at NAME.domain, the api at domain itself. Lower-case. */
  domain: string
  /** How users reach the control host, e.g. `http://localhost:8080`; apps have the same scheme and port. No slash at the end. */
  publicUrl: string
  redis: { kind: 'embedded'; socket: string } | { kind: 'url'; url: string }
  docker: { kind: 'socket'; path: string } | { kind: 'tcp'; host: string; port: number }
  /** What containers may reach. `allow`: private networks in CIDR notation that are open to them, such as a package mirror's. */
  network: { firewall: boolean; allow: string[] }
  /** Where log drains and webhooks may lead beside the public internet. `allow`: IPv4 networks in CIDR notation. */
  outbound: { allow: string[] }
  /** Files of certificate authorities that the environment names, beside the system's own. */
  certificateFiles: string[]
  /** Absolute; shared by all servers of this user. */
  cacheDirectory: string
  /** Where the command keeps its logins; the first start writes the admin's. Absolute. */
  credentialsFile: string
  logLevel: string
  build: { memoryMiB: number; cpus: number; timeoutSeconds: number; concurrency: number }
  boot: { timeoutSeconds: number }
  dynoSizes: DynoSizes
  /** What a dyno gets between SIGTERM and SIGKILL, and what requests in flight get before that. */
  stop: { graceSeconds: number; drainSeconds: number }
  /** How often the worker looks for what nobody told it. */
  patrol: { everySeconds: number }
  limits: {
    slugBytes: number
    packBytes: number
    sourceBytes: number
    sourceFiles: number
    dynoDiskMiB: number
    /** Of one token; undefined: as many as it likes. */
    apiRequestsPerHour: number | undefined
  }
}

export type Paths = {
  format: string
  database: string
  key: string
  repositories: string
  builds: string
  logs: string
  /** Tarballs that were uploaded for builds. */
  sources: string
  metrics: string
  redis: string
  routingTable: string
  serverLog: string
  /** Holds what follows: the authority's certificate, for everybody; the same with its key; the server's own with its key. */
  tls: string
  tlsAuthority: string
  tlsAuthorityKey: string
  tlsCertificate: string
  run: string
  lock: string
  apiSocket: string
  hookSocket: string
  routerSocket: string
  workerSocket: string
  /** Gets the connections of attached one-off dynos. */
  rendezvousSocket: string
}

type Environment = Record<string, string | undefined>

/** Reads and checks the settings. @throws settings_invalid that names every problem at once. */
export function loadConfig(env: Environment = process.env): Config {
  const read = new Reader(env)
  const dataDirectory = resolve(read.text('PAAS_DATA', 'data'))
  const httpPort = read.integer('PAAS_HTTP_PORT', 8080, 1, 65535)
  const httpsPort = read.integerOrOff('PAAS_HTTPS_PORT', 8443, 1, 65535)
  const domain = read.domain('PAAS_DOMAIN', 'localhost')
  const paths = pathsIn(dataDirectory)
  const config: Config = {
    dataDirectory,
    paths,
    httpPort,
    httpsPort,
    domain,
    publicUrl: read.publicUrl('PAAS_PUBLIC_URL', { domain, httpPort }),
    redis: read.redis(join(paths.run, 'redis.sock')),
    docker: read.docker(),
    network: {
      firewall: read.choice('PAAS_FIREWALL', 'on', ['on', 'off']) === 'on',
      allow: read.networks('PAAS_ALLOW_NETWORKS'),
    },
    outbound: { allow: read.networks('PAAS_ALLOW_DELIVERIES') },
    certificateFiles: read.files('NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'),
    cacheDirectory: join(resolve(read.text('XDG_CACHE_HOME', join(homedir(), '.cache'))), 'paas'),
    credentialsFile: join(
      resolve(read.text('XDG_CONFIG_HOME', join(homedir(), '.config'))),
      'paas',
      'credentials.json',
    ),
    logLevel: read.choice('PAAS_LOG_LEVEL', 'info', ['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    build: {
      memoryMiB: read.integer('PAAS_BUILD_MEMORY_MIB', 2048, 128, 1 << 20),
      cpus: read.integer('PAAS_BUILD_CPUS', 2, 1, 256),
      timeoutSeconds: read.integer('PAAS_BUILD_TIMEOUT', 900, 1, 86_400),
      concurrency: read.integer('PAAS_BUILD_CONCURRENCY', 2, 1, 64),
    },
    dynoSizes: read.dynoSizes('PAAS_DYNO_SIZES'),
    boot: { timeoutSeconds: read.integer('PAAS_BOOT_TIMEOUT', 60, 1, 600) },
    stop: {
      graceSeconds: read.integer('PAAS_STOP_GRACE', 30, 0, 600),
      drainSeconds: read.integer('PAAS_DRAIN_TIMEOUT', 30, 0, 600),
    },
    patrol: { everySeconds: read.integer('PAAS_PATROL_INTERVAL', 30, 1, 3600) },
    limits: {
      slugBytes: read.integer('PAAS_MAX_SLUG_MIB', 500, 1, 1 << 20) * 2 ** 20,
      packBytes: read.integer('PAAS_MAX_PUSH_MIB', 500, 1, 1 << 20) * 2 ** 20,
      sourceBytes: read.integer('PAAS_MAX_SOURCE_MIB', 1024, 1, 1 << 20) * 2 ** 20,
      sourceFiles: read.integer('PAAS_MAX_SOURCE_FILES', 100_000, 1, 10_000_000),
      dynoDiskMiB: read.integer('PAAS_MAX_DYNO_DISK_MIB', 10 * 1024, 1, 1 << 24),
      apiRequestsPerHour: read.integerOrOff('PAAS_API_REQUESTS_PER_HOUR', 4500, 60, 1 << 24),
    },
  }
  read.socketPath(paths.rendezvousSocket)
  read.contradictions(config)
  read.finish()
  return config
}

function pathsIn(data: string): Paths {
  const run = join(data, 'run')
  const tls = join(data, 'tls')
  return {
    format: join(data, 'paas.json'),
    database: join(data, 'paas.db'),
    key: join(data, 'key'),
    repositories: join(data, 'repositories'),
    builds: join(data, 'builds'),
    logs: join(data, 'logs'),
    sources: join(data, 'sources'),
    metrics: join(data, 'metrics'),
    redis: join(data, 'redis'),
    routingTable: join(data, 'routes.json'),
    serverLog: join(data, 'server.log'),
    tls,
    tlsAuthority: join(tls, 'authority.pem'),
    tlsAuthorityKey: join(tls, 'authority-key.pem'),
    tlsCertificate: join(tls, 'certificate.pem'),
    run,
    lock: join(run, 'lock'),
    apiSocket: join(run, 'api.sock'),
    hookSocket: join(run, 'hook.sock'),
    routerSocket: join(run, 'router.sock'),
    workerSocket: join(run, 'worker.sock'),
    rendezvousSocket: join(run, 'rendezvous.sock'),
  }
}

/** Takes settings one by one and collects what is wrong with them. */
class Reader {
  readonly #env: Environment
  readonly #problems: string[] = []

  constructor(env: Environment) {
    this.#env = env
  }

  text(name: string, fallback: string): string {
    const value = this.#env[name]
    return value === undefined || value === '' ? fallback : value
  }

  /** Those that are set. */
  files(...names: string[]): string[] {
    return names.map((name) => this.text(name, '')).filter((path) => path !== '')
  }

  integer(name: string, fallback: number, least: number, most: number): number {
    const text = this.text(name, String(fallback))
    const value = /^\d+$/.test(text) ? Number(text) : NaN
    if (value >= least && value <= most) return value
    this.#problems.push(`${name} is "${text}"; it must be a whole number from ${least} to ${most}`)
    return fallback
  }

  /** undefined: it is `off`. */
  integerOrOff(name: string, fallback: number, least: number, most: number): number | undefined {
    return this.text(name, '') === 'off' ? undefined : this.integer(name, fallback, least, most)
  }

  choice(name: string, fallback: string, choices: string[]): string {
    const value = this.text(name, fallback)
    if (choices.includes(value)) return value
    this.#problems.push(`${name} is "${value}"; it must be one of ${choices.join(', ')}`)
    return fallback
  }

  domain(name: string, fallback: string): string {
    const value = this.text(name, fallback).toLowerCase()
    const label = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
    if (new RegExp(`^${label}(\\.${label})*$`).test(value) && value.length <= 200 && !isIP(value)) return value
    this.#problems.push(`${name} is "${value}"; it must be a host name without port, such as paas.example.com`)
    return fallback
  }

  /** Something in front of the server may be reached with another scheme and port, but under its domain. */
  publicUrl(name: string, { domain, httpPort }: Pick<Config, 'domain' | 'httpPort'>): string {
    const value = this.text(name, `http://${domain}:${httpPort}`)
    const url = URL.canParse(value) ? new URL(value) : undefined
    const isOrigin = /^https?:$/.test(url?.protocol ?? '') && [url?.origin, `${url?.origin}/`].includes(url?.href)
    if (url !== undefined && isOrigin && url.hostname === domain) return url.origin
    this.#problems.push(
      `${name} is "${value}"; it must be a URL of PAAS_DOMAIN without a path, such as https://${domain}`,
    )
    return value
  }

  /** IPv4 networks such as `10.1.0.0/16,10.2.3.4/32`; bits after the prefix must be 0. */
  networks(name: string): string[] {
    const networks = this.text(name, '')
      .split(',')
      .map((part) => part.trim())
    const wrong = networks.filter((network) => network !== '' && !isNetwork(network))
    if (wrong.length > 0) {
      this.#problems.push(`${name} has "${wrong.join('", "')}"; it must be a list of networks such as 10.1.0.0/16`)
    }
    return networks.filter((network) => network !== '' && !wrong.includes(network))
  }

  /** Limits of sizes in place of the usual ones: `standard-1x=1024/2,eco=256/0.5`, in MiB and processors. */
  dynoSizes(name: string): DynoSizes {
    const parts = this.text(name, '').split(',')
    const sizes = parts.map((part) => part.trim()).filter((part) => part !== '')
    const changed = sizes.map((part) => parseSize(part))
    const wrong = sizes.filter((_, index) => changed[index] === undefined)
    if (wrong.length > 0) {
      const known = Object.keys(dynoSizes).join(', ')
      this.#problems.push(
        `${name} has "${wrong.join('", "')}"; it must be a list such as eco=256/0.5: 64 to 1048576 MiB, 0.1 to 256 processors, of ${known}`,
      )
    }
    return { ...dynoSizes, ...Object.fromEntries(changed.flatMap((size) => (size ? [size] : []))) }
  }

  redis(socket: string): Config['redis'] {
    const url = this.#env['REDIS_URL']
    if (!url) return { kind: 'embedded', socket }
    if (/^(rediss?|unix):\/\/./.test(url)) return { kind: 'url', url }
    this.#problems.push('REDIS_URL must begin with redis://, rediss:// or unix://')
    return { kind: 'embedded', socket }
  }

  docker(): Config['docker'] {
    const value = this.text('DOCKER_HOST', 'unix:///var/run/docker.sock')
    const socket = /^unix:\/\/(\/.+)$/.exec(value)
    if (socket?.[1]) return { kind: 'socket', path: socket[1] }
    const tcp = /^tcp:\/\/([^/:]+):(\d+)\/?$/.exec(value)
    if (tcp?.[1] && tcp[2]) return { kind: 'tcp', host: tcp[1], port: Number(tcp[2]) }
    this.#problems.push(`DOCKER_HOST is "${value}"; it must be unix:///path or tcp://host:port`)
    return { kind: 'socket', path: '/var/run/docker.sock' }
  }

  /** A Unix socket's path may have 107 bytes on Linux (unix(7)). */
  socketPath(path: string): void {
    if (Buffer.byteLength(path) > 107) {
      this.#problems.push(`PAAS_DATA is too long: sockets in it would have more than 107 bytes (${path})`)
    }
  }

  contradictions({ network, dataDirectory, cacheDirectory, httpPort, httpsPort }: Config): void {
    if (httpPort === httpsPort) this.#problems.push(`PAAS_HTTP_PORT and PAAS_HTTPS_PORT are both ${httpPort}`)
    if (!network.firewall && network.allow.length > 0) {
      this.#problems.push(
        'PAAS_ALLOW_NETWORKS opens networks in a firewall that PAAS_FIREWALL=off turns off; unset one',
      )
    }
    if (dataDirectory === cacheDirectory) this.#problems.push('PAAS_DATA is the cache directory; choose another one')
  }

  finish(): void {
    if (this.#problems.length === 0) return
    throw new PaasError('settings_invalid', `Settings: ${this.#problems.join('; ')}.`)
  }
}

/** An IPv4 network in CIDR notation whose host bits are 0. */
function isNetwork(text: string): boolean {
  const [address = '', prefix = ''] = text.split('/')
  if (isIP(address) !== 4 || !/^\d{1,2}$/.test(prefix) || Number(prefix) > 32) return false
  const number = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
  return number % 2 ** (32 - Number(prefix)) === 0
}

function parseSize(text: string): [DynoSize, DynoSizes[DynoSize]] | undefined {
  const [, name, memory, cpus] = /^([\w-]+)=(\d{1,7})\/(\d{1,3}(?:\.\d{1,2})?)$/.exec(text) ?? []
  const size = sizeNamed(name ?? null)
  const limits = { memory: Number(memory), cpus: Number(cpus) }
  const fits = limits.memory >= 64 && limits.memory <= 1 << 20 && limits.cpus >= 0.1 && limits.cpus <= 256
  return size && fits ? [size, { ...dynoSizes[size], ...limits }] : undefined
}
