import { Resolver } from 'node:dns'
import { isIP } from 'node:net'
import { isAbsolute } from 'node:path'
import { PaasError } from './errors.ts'
import { parseCidr } from './model/cidr.ts'
import { isBackupPlace, withoutPassword, type BackupTarget } from './model/backup-target.ts'
import type { DomainProofSetting, EngineAddress, HostPort, RedisAddress, Registries } from './model/network.ts'
import { dynoSizes, type DynoSizes } from './model/formation.ts'
import {
  isNetwork,
  isNowhere,
  ownPorts,
  parseHostPort,
  parseSizeLimits,
  registryPattern,
  type Together,
} from './settings-values.ts'

export type Environment = Record<string, string | undefined>

/** Takes settings one by one and collects what is wrong with them. */
export class SettingsReader {
  readonly #env: Environment
  readonly #problems: string[] = []
  readonly #known = new Set(['PAAS_SETTINGS', 'PAAS_URL', 'PAAS_TOKEN'])

  constructor(env: Environment) {
    this.#env = env
  }

  /** What is wrong with a setting that somebody else reads. */
  problem(text: string): void {
    this.#problems.push(text)
  }

  text(name: string, fallback: string): string {
    this.#known.add(name)
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

  /** `03:30`; undefined where it is `off`. */
  timeOfDayOrOff(name: string, fallback = 'off'): { hour: number; minute: number } | undefined {
    const text = this.text(name, fallback)
    if (text === 'off') return undefined
    const [, hour, minute] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? []
    if (hour !== undefined && minute !== undefined) return { hour: Number(hour), minute: Number(minute) }
    this.#problems.push(`${name} is "${text}"; it must be a time of day such as 03:30, or off`)
    return undefined
  }

  /** `/srv/backups`, or `s3:https://HOST/BUCKET/PREFIX`; undefined: none. */
  backupTarget(name: string, fileName: string): BackupTarget | undefined {
    const [repository, passphraseFile] = [this.text(name, ''), this.text(fileName, '')]
    if (repository === '') return undefined
    if (!isBackupPlace(repository)) {
      const wanted = 'an absolute path, or a bucket such as s3:https://s3.example.com/backups/paas'
      this.#problems.push(`${name} is "${withoutPassword(repository)}"; it must be ${wanted}`)
    }
    if (!isAbsolute(passphraseFile)) {
      const why = 'without it nobody can read the backups, so keep a copy elsewhere'
      this.#problems.push(
        `${fileName} is "${passphraseFile}"; it must be the absolute path of a file with a passphrase: ${why}`,
      )
    }
    return { repository, passphraseFile }
  }

  /**
   * Descriptors that systemd, or our supervisor, hands on from 3 upwards (sd_listen_fds(3)).
   * LISTEN_PID says for whom; roles do not get it.
   */
  sockets(pid: number): number[] {
    if (this.text('LISTEN_PID', String(pid)) !== String(pid)) return []
    return Array.from({ length: this.integer('LISTEN_FDS', 0, 0, 2) }, (_, i) => 3 + i)
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

  /**
   * Something in front of the server may be reached with another scheme and port, but under its
   * domain.
   */
  publicUrl(name: string, { domain, httpPort }: { domain: string; httpPort: number }): string {
    const value = this.text(name, `http://${domain}:${httpPort}`)
    const url = URL.canParse(value) ? new URL(value) : undefined
    const isOrigin = /^https?:$/.test(url?.protocol ?? '') && [url?.origin, `${url?.origin}/`].includes(url?.href)
    if (url !== undefined && isOrigin && url.hostname === domain) return url.origin
    this.#problems.push(
      `${name} is "${value}"; it must be a URL of PAAS_DOMAIN without a path, such as https://${domain}`,
    )
    return value
  }

  /**
   * IPv4 networks such as `10.1.0.0/16,10.2.3.4/32`, bits after the prefix being 0; IPv6 ones where
   * they are of use.
   */
  networks(name: string, { ipv6 = false } = {}): string[] {
    const networks = this.text(name, '')
      .split(',')
      .map((part) => part.trim())
    const isFine = (network: string): boolean => isNetwork(network) || (ipv6 && parseCidr(network)?.family === 'ipv6')
    const wrong = networks.filter((network) => network !== '' && !isFine(network))
    if (wrong.length > 0) {
      this.#problems.push(`${name} has "${wrong.join('", "')}"; it must be a list of networks such as 10.1.0.0/16`)
    }
    return networks.filter((network) => network !== '' && !wrong.includes(network))
  }

  /** `dns`, and which name servers are asked then: `1.1.1.1,[2606:4700::1111]:53`. */
  domainProof(name: string, serversName: string): DomainProofSetting {
    const servers = this.text(serversName, '')
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
    try {
      if (servers.length > 0) new Resolver().setServers(servers)
    } catch {
      this.#problems.push(`${serversName} has "${servers.join(',')}"; it must be a list of addresses such as 1.1.1.1`)
    }
    return this.choice(name, 'off', ['off', 'dns']) === 'dns' ? { servers } : undefined
  }

  /** Addresses such as `10.0.0.53,192.0.2.53`; `none`: no server at all; undefined: not set. */
  nameServers(name: string): string[] | undefined {
    const value = this.text(name, '')
    if (value === '' || value === 'none') return value === '' ? undefined : []
    const servers = value.split(',').map((part) => part.trim())
    const wrong = servers.filter((server) => isIP(server) !== 4 || isNowhere(server))
    if (wrong.length === 0) return servers
    const wanted = 'IPv4 addresses that containers can reach, such as 10.0.0.53, or none'
    this.#problems.push(`${name} has "${wrong.join('", "')}"; it must be a list of ${wanted}`)
    return []
  }

  /** Ports of this machine such as `5432,172.17.0.1:6379`. */
  portRangeOrOff(name: string): { first: number; last: number } | null {
    const value = this.text(name, 'off')
    if (value === 'off') return null
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(value) ?? []
    const range = { first: Number(first), last: Number(last) }
    if (range.first >= 1024 && range.first <= range.last && range.last <= 65_535) return range
    this.#problems.push(`${name} is "${value}"; it must be ports from 1024 to 65535, such as 15432-15499, or off`)
    return null
  }

  hostPorts(name: string): HostPort[] {
    const parts = this.text(name, '').split(',')
    const wanted = parts.map((part) => part.trim()).filter((part) => part !== '')
    const wrong = wanted.filter((part) => parseHostPort(part) === undefined)
    if (wrong.length > 0) {
      this.#problems.push(
        `${name} has "${wrong.join('", "')}"; it must be a list of TCP ports of this machine, such as 5432 or 172.17.0.1:5432. ` +
          'Containers cannot reach services on 127.0.0.1',
      )
    }
    return wanted.flatMap((part) => parseHostPort(part) ?? [])
  }

  /**
   * Registries such as `ghcr.io/acme,*.example.com,http://10.1.2.3:5000`; `any` and `none` are all
   * and none of them.
   */
  registries(name: string, usual: string): Registries {
    const parts = this.text(name, usual)
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
    if (parts.join() === 'any') return 'any'
    if (parts.join() === 'none') return []
    const wrong = parts.filter((part) => !registryPattern.test(part))
    if (wrong.length > 0) {
      this.#problems.push(
        `${name} has "${wrong.join('", "')}"; it must be a list of registries such as docker.io,ghcr.io/acme,*.example.com, ` +
          'http://10.1.2.3:5000 for one without TLS, or any or none',
      )
    }
    return parts.map((part) => ({ location: part.replace('http://', ''), insecure: part.startsWith('http://') }))
  }

  /**
   * Limits of sizes in place of the usual ones: `standard-1x=1024/2,eco=256/0.5`, in MiB and
   * processors.
   */
  dynoSizes(name: string): DynoSizes {
    const parts = this.text(name, '').split(',')
    const sizes = parts.map((part) => part.trim()).filter((part) => part !== '')
    const changed = sizes.map((part) => parseSizeLimits(part))
    const wrong = sizes.filter((_, index) => changed[index] === undefined)
    if (wrong.length > 0) {
      const known = Object.keys(dynoSizes).join(', ')
      this.#problems.push(
        `${name} has "${wrong.join('", "')}"; it must be a list such as eco=256/0.5: 64 to 1048576 MiB, 0.1 to 256 processors, of ${known}`,
      )
    }
    return { ...dynoSizes, ...Object.fromEntries(changed.flatMap((size) => (size ? [size] : []))) }
  }

  redis(socket: string): RedisAddress {
    const url = this.#env['REDIS_URL']
    if (!url) return { kind: 'embedded', socket }
    if (/^(rediss?|unix):\/\/./.test(url)) return { kind: 'url', url }
    this.#problems.push('REDIS_URL must begin with redis://, rediss:// or unix://')
    return { kind: 'embedded', socket }
  }

  /** @param gate the socket of the server's own gate */
  docker(gate: string): EngineAddress {
    const value = this.text('DOCKER_HOST', 'unix:///var/run/docker.sock')
    const socket = /^unix:\/\/(\/.+)$/.exec(value)
    if (socket?.[1]) return { kind: socket[1] === gate ? 'gate' : 'socket', path: socket[1] }
    const tcp = /^tcp:\/\/([^/:]+):(\d+)\/?$/.exec(value)
    if (tcp?.[1] && tcp[2]) return { kind: 'tcp', host: tcp[1], port: Number(tcp[2]) }
    this.#problems.push(`DOCKER_HOST is "${value}"; it must be unix:///path or tcp://host:port`)
    return { kind: 'socket', path: '/var/run/docker.sock' }
  }

  /** A name under which the engine knows a runtime; undefined: none is set. */
  runtime(name: string): string | undefined {
    const value = this.text(name, '')
    if (value === '') return undefined
    if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/.test(value)) {
      this.#problems.push(`${name} is "${value}"; it must be the name of a runtime of the engine, such as runsc`)
    }
    return value
  }

  /** A Unix socket's path may have 107 bytes on Linux (unix(7)). */
  socketPath(path: string): void {
    if (Buffer.byteLength(path) > 107) {
      this.#problems.push(`PAAS_DATA is too long: sockets in it would have more than 107 bytes (${path})`)
    }
  }

  contradictions(config: Together): void {
    const { network, dataDirectory, cacheDirectory, httpPort, httpsPort, dataPorts } = config
    const isData = (port: number | undefined): boolean =>
      dataPorts !== null && port !== undefined && port >= dataPorts.first && port <= dataPorts.last
    for (const port of [httpPort, httpsPort])
      if (isData(port)) this.#problems.push(`PAAS_DATA_PORTS has port ${port}, which is this server's own`)
    if (httpPort === httpsPort) this.#problems.push(`PAAS_HTTP_PORT and PAAS_HTTPS_PORT are both ${httpPort}`)
    const opened = { PAAS_ALLOW_NETWORKS: network.allow, PAAS_ALLOW_HOST: network.host }
    for (const [name, list] of Object.entries(opened)) {
      if (network.firewall || list.length === 0) continue
      this.#problems.push(`${name} has no effect with PAAS_FIREWALL=off; unset one`)
    }
    for (const { port } of network.host) {
      const owner = ownPorts(config).get(port)
      if (owner) this.#problems.push(`PAAS_ALLOW_HOST has port ${port}, which is ${owner}: no app may reach that`)
    }
    if (dataDirectory === cacheDirectory) this.#problems.push('PAAS_DATA is the cache directory; choose another one')
  }

  /** A name in the settings file that nothing asked for is misspelt. */
  unknown(names: string[]): void {
    for (const name of names.filter((one) => one.startsWith('PAAS_') && !this.#known.has(one))) {
      this.#problems.push(`there is no setting ${name}`)
    }
  }

  finish(): void {
    if (this.#problems.length === 0) return
    throw new PaasError('settings_invalid', `Settings: ${this.#problems.join('; ')}.`)
  }
}
