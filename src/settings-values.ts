import { isIP } from 'node:net'
import { numberOf, parseCidr } from './model/cidr.ts'
import type { EngineAddress, HostPort, RedisAddress } from './model/network.ts'
import { dynoSizes, sizeNamed, type DynoSize, type DynoSizes } from './model/formation.ts'

/** Settings that may contradict each other. */
export type Together = {
  network: { firewall: boolean; allow: string[]; host: HostPort[] }
  dataDirectory: string
  cacheDirectory: string
  httpPort: number
  httpsPort: number | undefined
  redis: RedisAddress
  docker: EngineAddress
  dataPorts: { first: number; last: number } | null
}

/** A host, a port, parts of a path; or all hosts of a domain. */
export const registryPattern = /^((http:\/\/)?[a-z0-9][a-z0-9.-]*(:\d{1,5})?(\/[a-z0-9._-]+)*|\*(\.[a-z0-9-]+)+)$/

/** An IPv4 network in CIDR notation whose host bits are 0. */
export function isNetwork(text: string): boolean {
  const cidr = parseCidr(text)
  return cidr?.family === 'ipv4' && numberOf(cidr.address) % 2 ** (32 - cidr.prefix) === 0
}

/** A container's own loopback, or no machine's address. */
export function isNowhere(address: string): boolean {
  const [first = 0] = address.split('.').map(Number)
  return first === 0 || first === 127 || first >= 224
}

export function parseHostPort(text: string): HostPort | undefined {
  const [, address, digits] = /^(?:([\d.]+):)?(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || port < 1 || port > 65535) return undefined
  if (address === undefined) return { port }
  return isIP(address) === 4 && !/^(0|127)\./.test(address) ? { address, port } : undefined
}

/**
 * What must stay closed to apps whatever the operator opens; 2375 and 2376 are where Docker's API
 * listens, if it does.
 */
export function ownPorts({ httpPort, httpsPort, redis, docker }: Together): Map<number | undefined, string> {
  const redisPort =
    redis.kind === 'url' && URL.canParse(redis.url) ? Number(new URL(redis.url).port || 6379) : undefined
  return new Map([
    [2375, "Docker's"],
    [2376, "Docker's"],
    [docker.kind === 'tcp' ? docker.port : undefined, 'that of DOCKER_HOST'],
    [redis.kind === 'url' && !redis.url.startsWith('unix:') ? redisPort : undefined, 'that of REDIS_URL'],
    [httpPort, 'PAAS_HTTP_PORT'],
    [httpsPort, 'PAAS_HTTPS_PORT'],
  ])
}

export function parseSizeLimits(text: string): [DynoSize, DynoSizes[DynoSize]] | undefined {
  const [, name, memory, cpus] = /^([\w-]+)=(\d{1,7})\/(\d{1,3}(?:\.\d{1,2})?)$/.exec(text) ?? []
  const size = sizeNamed(name ?? null)
  const limits = { memory: Number(memory), cpus: Number(cpus) }
  const fits = limits.memory >= 64 && limits.memory <= 1 << 20 && limits.cpus >= 0.1 && limits.cpus <= 256
  return size && fits ? [size, { ...dynoSizes[size], ...limits }] : undefined
}
