import { randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { Dns, DnsSilent } from '../../certificates/dns.ts'
import { AddressPolicy } from '../../outbound/addresses.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { appOf } from '../http/access.ts'
import { BackgroundLooks } from '../http/background-looks.ts'
import { time } from '../http/shapes.ts'
import { targetOf } from './domain-json.ts'

type Deps = Pick<ApiDeps, 'store' | 'config' | 'log'>

/** `server`: where records may lead; `isSilent`: no name server answers. */
type Found = { alias: string | null; addresses: string[]; server: string[]; isSilent: boolean }

/** Milliseconds, so that a record that was just set is seen soon. */
const keep = 30_000
const atOnce = 8
/** Domains of an app that are looked up. */
const most = 100

const policy = new AddressPolicy({ allow: [], ownPorts: [443] })
const isPublic = (address: string): boolean => policy.permits(address, 443)

/**
 * `GET /apps/:app/domain-lookups`: what the DNS says of each domain, and what it should. The look
 * is behind the answer, which says so while it goes on. Heroku has no such call.
 */
export function domainLookupRoute(api: Api, { store, config, log }: Deps): void {
  const dns = new Dns([...(config.domainProof?.servers ?? config.acme?.nameServers ?? [])])
  const found = new BackgroundLooks<Found>({ look: (name) => lookUp(dns, name, config.domain), keep, atOnce, log })

  api.get('/apps/:app/domain-lookups', (request) => {
    const app = appOf(store, request)
    const target = targetOf(app, config)
    return store.domains
      .list(app.id)
      .slice(0, most)
      .map(({ hostname }) => {
        const { value, at, isLooking } = found.of(hostname)
        return {
          addresses: value?.addresses ?? [],
          alias: value?.alias ?? null,
          hostname,
          is_looking: isLooking,
          looked_at: at === undefined ? null : time(new Date(at)),
          server_addresses: value?.server ?? [],
          state: value ? judge(value, config.domain) : null,
          wanted: { name: hostname, type: 'CNAME', value: target },
        }
      })
  })
}

async function lookUp(dns: Dns, hostname: string, domain: string): Promise<Found> {
  // A wildcard itself cannot be looked up; it holds for a name that nothing else has.
  const name = hostname.replace(/^\*(?=\.)/, `paas-${randomBytes(6).toString('hex')}`)
  try {
    const [alias, addresses, named] = await Promise.all([
      dns.alias(name),
      dns.addresses(name),
      dns.addresses(domain).catch(() => []),
    ])
    const server = named.length > 0 ? named : ownAddresses().filter(isPublic)
    return { alias: alias?.toLowerCase() ?? null, addresses, server, isSilent: false }
  } catch (cause) {
    if (!(cause instanceof DnsSilent)) throw cause
    return { alias: null, addresses: [], server: ownAddresses().filter(isPublic), isSilent: true }
  }
}

/** `here`; `elsewhere`, which may be a proxy before this server; `missing`: there is no record. */
function judge({ alias, addresses, server, isSilent }: Found, domain: string): string {
  if (isSilent) return 'silent'
  // Any name below leads here, as the one that proves whose a domain is.
  if (alias?.endsWith(`.${domain}`)) return 'here'
  if (addresses.length === 0) return alias === null ? 'missing' : 'elsewhere'
  const own = [...server, ...ownAddresses()]
  return addresses.every((address) => own.includes(address)) ? 'here' : 'elsewhere'
}

/** Of the machine, those of networks inside it too, such as Docker's. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return all.filter(({ internal, scopeid }) => !internal && !scopeid).map(({ address }) => address)
}
