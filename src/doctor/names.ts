import { randomBytes } from 'node:crypto'
import { promises as dns } from 'node:dns'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Config } from '../config.ts'
import type { Finding } from '../model/finding.ts'
import { AddressPolicy } from '../outbound/addresses.ts'
import { findingsOf, worst } from './findings.ts'

const names = findingsOf('names')
const policy = new AddressPolicy({ allow: [], ownPorts: [443] })
const isPublic = (address: string): boolean => policy.permits(address, 443)

type Named = Pick<Config, 'domain' | 'trustedProxies'>

/**
 * Whether the server's domain and the names of apps below it lead here, by DNS itself: the hosts
 * file of a machine often has its own name with another address.
 */
export async function findNames(config: Named): Promise<Finding[]> {
  const { domain } = config
  if (domain === 'localhost' || domain.endsWith('.localhost')) {
    return [names.good(`${domain} leads to this machine for its own users only`)]
  }
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const here = own.filter(({ internal }) => !internal).map(({ address }) => address)
  const resolver = new dns.Resolver({ timeout: 2_000, tries: 2 })
  const anyApp = `paas-doctor-${randomBytes(3).toString('hex')}.${domain}`
  const found = [domain, anyApp].map(async (name): Promise<Finding> => {
    const shown = name === domain ? domain : `*.${domain}`
    try {
      return judgeName(shown, {
        leadsTo: await lookUp(resolver, name),
        here,
        proxied: config.trustedProxies.length > 0,
      })
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
      return names.unknown(`${shown} cannot be looked up: the name servers of this machine answer with ${code}`)
    }
  })
  return worst(await Promise.all(found))
}

type Look = { leadsTo: string[]; here: string[]; proxied: boolean }

/** @param name as it is shown; `here`: the machine's own addresses */
export function judgeName(name: string, { leadsTo, here, proxied }: Look): Finding {
  const open = here.filter(isPublic)
  if (leadsTo.length === 0) return names.bad(`${name} has no address in DNS`, addRecords(name, open))
  const elsewhere = leadsTo.filter((address) => !here.includes(address))
  if (elsewhere.length === 0) return names.good(`${name} leads here (${leadsTo.join(', ')})`)
  const is = `${name} leads to ${elsewhere.join(', ')}`
  if (proxied) return names.good(`${is}, where a proxy stands in front (PAAS_TRUSTED_PROXIES)`)
  const wrong = elsewhere.filter((address) => isIP(address) === 6 || open.some((one) => isIP(one) === 4))
  if (wrong.length > 0) {
    const advice = `Remove that record. ${addRecords(name, open)}`
    return names.bad(`${is}, and this machine has ${open.join(', ') || 'no public IPv6 address'}`, advice)
  }
  const advice = `Make sure that ${elsewhere.join(', ')} passes ports 80 and 443 on to this machine.`
  return names.unknown(`${is}; this machine has private addresses only (${here.join(', ')})`, advice)
}

function addRecords(name: string, open: string[]): string {
  const records = open.map((address) => `${name} ${isIP(address) === 6 ? 'AAAA' : 'A'} ${address}`)
  return `Add at the DNS provider: ${records.join(', ') || `${name} A, with the public address of this machine`}`
}

async function lookUp(resolver: dns.Resolver, name: string): Promise<string[]> {
  const unlessNone = (cause: unknown): string[] => {
    if (cause instanceof Error && 'code' in cause && ['ENODATA', 'ENOTFOUND'].includes(String(cause.code))) return []
    throw cause
  }
  const found = await Promise.all([
    resolver.resolve4(name).catch(unlessNone),
    resolver.resolve6(name).catch(unlessNone),
  ])
  return found.flat()
}
