import type { Config } from '../config.ts'
import { PaasError } from '../errors.ts'
import type { Addon, AddonSecrets } from '../model/addon.ts'
import { parseCidr } from '../model/cidr.ts'
import type { Service } from '../model/service.ts'
import type { Store } from '../store/store.ts'
import { fillIn } from './spec.ts'

type Records = Pick<Store, 'addons' | 'transaction'>
type Settings = Pick<Config, 'dataPorts' | 'httpsPort' | 'domain'>

const mostNetworks = 20
/** Of the shortest prefixes: what is larger is the Internet, not a network of somebody's. */
const shortest = { ipv4: 8, ipv6: 16 }

/**
 * Opens an add-on to these networks, or to others than before; the port stays.
 * @param networks addresses, or networks in CIDR notation
 * @throws not_exposable, invalid_params
 */
export function exposeAddon(
  { store, config }: { store: Records; config: Settings },
  { addon, service }: { addon: Addon; service: Service },
  networks: string[],
): NonNullable<Addon['exposed']> {
  checkExposable(config, service)
  const named = [...new Set(networks.map(networkCalled))]
  if (named.length === 0 || named.length > mostNetworks) {
    throw new PaasError('invalid_params', `${named.length} networks are named; it takes 1 to ${mostNetworks}.`)
  }
  return store.transaction(() => {
    const port = store.addons.find(addon.id)?.exposed?.port ?? freePort(store, config)
    const exposed = { port, networks: named }
    store.addons.setExposed(addon.id, exposed)
    return exposed
  })
}

/** @throws not_exposable */
function checkExposable({ dataPorts, httpsPort }: Settings, { title, outside }: Service): void {
  if (!outside) {
    throw new PaasError('not_exposable', `${title} cannot be reached from outside.`, {
      hint: 'Use a tunnel: paas addons:client NAME --tunnel.',
    })
  }
  if (dataPorts === null || httpsPort === undefined) {
    const what = dataPorts === null ? 'no ports for databases (PAAS_DATA_PORTS)' : 'no TLS (PAAS_HTTPS_PORT is off)'
    throw new PaasError('not_exposable', `This server has ${what}.`, {
      hint: 'Ask its operator, or use a tunnel: paas addons:client NAME --tunnel.',
    })
  }
}

/** @throws invalid_params */
function networkCalled(text: string): string {
  const cidr = parseCidr(text) ?? parseCidr(`${text}/${text.includes(':') ? 128 : 32}`)
  const shown = JSON.stringify(text.slice(0, 60))
  if (!cidr) {
    throw new PaasError('invalid_params', `${shown} is no address or network.`, {
      hint: 'Name them like this: 203.0.113.7, 198.51.100.0/24 or 2001:db8::/48.',
    })
  }
  if (cidr.prefix < shortest[cidr.family]) {
    throw new PaasError('invalid_params', `${shown} is too large: at least /${shortest[cidr.family]} is needed.`, {
      hint: 'Name the networks from which it is to be reached.',
    })
  }
  return `${cidr.address}/${cidr.prefix}`
}

/** @throws not_exposable */
function freePort({ addons }: Records, { dataPorts }: Settings): number {
  const taken = new Set(addons.list().map(({ exposed }) => exposed?.port))
  for (let port = dataPorts?.first ?? 1; port <= (dataPorts?.last ?? 0); port++) if (!taken.has(port)) return port
  throw new PaasError('not_exposable', 'All ports for databases (PAAS_DATA_PORTS) are taken.', {
    hint: 'Ask the operator of the server for more, or close another: paas data:unexpose NAME.',
  })
}

/** The URL with which it is reached from outside. */
export function outsideUrl(
  service: Service,
  { port }: NonNullable<Addon['exposed']>,
  given: { domain: string; secrets: AddonSecrets },
): string {
  return fillIn(service.outside?.url ?? '', { host: given.domain, port, secrets: given.secrets })
}
