import { readFile } from 'node:fs/promises'
import { isIPv4 } from 'node:net'
import type { Network } from '../../config.ts'
import type { Logger } from '../../log.ts'
import {
  allowRules,
  exemptRules,
  forwardChains,
  hostRules,
  inputChains,
  countChain,
  limitChain,
  nameServerRules,
  originChain,
  otherNameServerRules,
  publicRules,
  refuse,
  sealedChains,
} from './firewall-rules.ts'
import { Iptables } from './iptables.ts'
import { bridgePrefix, bridgePrefixOf } from './names.ts'
import { ourNetworks } from './subnets.ts'

/** Chains with rules of each server, for what it opens to its own containers. */
const perServer = ['PAAS-ALLOW', 'PAAS-PUBLIC', 'PAAS-NAMES', 'PAAS-OTHER-NAMES']
const toInput = `-i ${bridgePrefix}+ -j PAAS-INPUT`
const toForward = `-i ${bridgePrefix}+ -j PAAS-FORWARD`
const toLimit = `-i ${bridgePrefix}+ -j PAAS-LIMIT`

/**
 * Connections are counted after what closes networks, and from here only: Docker takes the jump to
 * DOCKER-USER out for some milliseconds whenever a network is made, and a connection that came then
 * was not counted.
 */
const inForward = [toForward, toLimit]

export type FirewallDeps = { serverId: string; log: Logger; network: Network; publicPort: number | undefined }

/**
 * Closes the host and private networks to containers on the bridges of all servers of this engine.
 * The rules are the same for every server but for what each one's settings open to its own bridges.
 * Chains of ours are replaced in one step; a packet on its way never meets half a chain.
 * @throws host_not_secured when the rules cannot be set
 */
export async function secureHost(deps: FirewallDeps): Promise<void> {
  if (!deps.network.firewall) return exempt(deps)
  await secureIpv4(deps)
  await guardTable(deps)
  await secureIpv6(deps.log)
}

/**
 * What an earlier start with a firewall set, or another server sets, stays for the others and lets
 * the containers of this one through. Where the rules cannot be set at all, none of ours is in the
 * way.
 */
async function exempt({ serverId, log }: FirewallDeps): Promise<void> {
  log.warn('PAAS_FIREWALL is off: apps reach this host and its network unless something else stops them')
  const iptables = new Iptables('iptables')
  const bridges = `${bridgePrefixOf(serverId)}+`
  try {
    for (const chain of perServer) {
      await iptables.ensureChain(chain)
      await iptables.setRules(chain, bridges, exemptRules(bridges))
    }
  } catch (cause) {
    log.debug({ err: cause }, 'no rule could be set')
  }
}

/**
 * To be called when a network was made, before anything runs on it. For each one Docker takes the
 * jump to DOCKER-USER out for some milliseconds, to put it in front of the network's rules
 * (libnetwork, arrangeUserFilterRule): then only our own rule in FORWARD stops a packet, if it
 * stands before the one that accepts all that comes from the packet's bridge.
 * @throws host_not_secured
 */
export async function secureNetwork({ network }: Pick<FirewallDeps, 'network'>): Promise<void> {
  const iptables = new Iptables('iptables')
  // No chain yet means that no tenant's code runs yet: `secureHost` comes first.
  if (network.firewall && (await iptables.hasChain('PAAS-LIMIT'))) await iptables.ensureFirst('FORWARD', inForward)
}

/**
 * Takes back what was opened for this server's containers; what is closed stays so, for the other
 * servers.
 */
export async function releaseHost({ serverId, network }: FirewallDeps): Promise<void> {
  const iptables = new Iptables('iptables')
  try {
    for (const chain of perServer) await iptables.setRules(chain, `${bridgePrefixOf(serverId)}+`, [])
  } catch (cause) {
    if (network.firewall) throw cause
  }
}

/**
 * Names under localhost lead a container to itself, so there is no way in that would need to be
 * open.
 */
export function publicPort({ domain = 'localhost', httpPort }: { domain?: string; httpPort?: number }) {
  return /(^|\.)localhost$/.test(domain) ? undefined : httpPort
}

async function secureIpv4({ serverId, network, publicPort }: FirewallDeps): Promise<void> {
  const iptables = new Iptables('iptables')
  const ownBridges = `${bridgePrefixOf(serverId)}+`
  const resolvers = await resolversOfHost()
  await iptables.ensureChain('PAAS-ALLOW')
  await iptables.ensureChain('PAAS-PUBLIC')
  await iptables.ensureChain('PAAS-LIMIT')
  await chooseNameServers(iptables, ownBridges, network.nameServers)
  await iptables.replaceChains([...inputChains(resolvers), ...forwardChains(resolvers)])
  const names = nameServerRules(ownBridges, network.nameServers ?? [])
  await iptables.setRules('PAAS-ALLOW', ownBridges, [...allowRules(ownBridges, network.allow), ...names])
  await iptables.ensureLast('PAAS-ALLOW', '-g PAAS-PRIVATE')
  const ports = [...publicRules(ownBridges, publicPort), ...hostRules(ownBridges, network.host), ...names]
  await iptables.setRules('PAAS-PUBLIC', ownBridges, ports)
  await iptables.ensureLast('PAAS-PUBLIC', refuse)
  await iptables.ensureFirst('INPUT', [toInput])
  await iptables.ensureFirst('FORWARD', inForward)
  await enterFromDocker(iptables)
}

/**
 * Docker keeps DOCKER-USER before its own rules over restarts; an engine without iptables of its
 * own has none. Earlier versions counted connections from there.
 */
async function enterFromDocker(iptables: Iptables): Promise<void> {
  if (!(await iptables.hasChain('DOCKER-USER'))) return
  await iptables.setRules('DOCKER-USER', `${bridgePrefix}+`, [toForward])
  await iptables.ensureFirst('DOCKER-USER', [toForward])
}

/**
 * Of two chains, since each server has rules in both and their order in one is not held: the first
 * passes what may be asked, the other refuses the rest.
 */
async function chooseNameServers(iptables: Iptables, bridges: string, servers?: string[]): Promise<void> {
  await iptables.ensureChain('PAAS-OTHER-NAMES')
  await iptables.ensureChain('PAAS-NAMES')
  await iptables.setRules('PAAS-NAMES', bridges, nameServerRules(bridges, servers ?? []))
  await iptables.ensureLast('PAAS-NAMES', '-g PAAS-OTHER-NAMES')
  await iptables.setRules('PAAS-OTHER-NAMES', bridges, servers === undefined ? [] : otherNameServerRules(bridges))
}

/**
 * Keeps each app from filling the host's table of connections. A kernel that was built without one
 * of the modules still keeps apps from the host and from each other, so that this is no reason to
 * run none.
 */
async function guardTable({ log, network }: FirewallDeps): Promise<void> {
  try {
    const iptables = new Iptables('iptables')
    const servers = [...new Set([...(await resolversOfHost()), ...(network.nameServers ?? [])])]
    await iptables.keepChain(countChain(await connectionTableSize()))
    await iptables.replaceChains([limitChain(servers)])
    const raw = new Iptables('iptables', 'raw')
    await raw.replaceChains([originChain(ourNetworks)])
    await raw.ensureFirst('PREROUTING', [`-i ${bridgePrefix}+ -j PAAS-ORIGIN`])
  } catch (cause) {
    log.warn({ err: cause }, 'the kernel lacks rpfilter, CT or connlimit: one app may use up the connections of all')
  }
}

async function connectionTableSize(): Promise<number> {
  return Number(await readFile('/proc/sys/net/netfilter/nf_conntrack_max', 'utf8').catch(() => '0'))
}

/**
 * Our networks have no IPv6, but a bridge has a link-local address that a container could talk to.
 */
async function secureIpv6(log: Logger): Promise<void> {
  const hasIpv6 = await readFile('/proc/net/if_inet6', 'utf8').catch(() => '')
  if (hasIpv6 === '') return log.debug('the host has no IPv6, so there is nothing to close')
  const ip6tables = new Iptables('ip6tables')
  await ip6tables.replaceChains(sealedChains)
  await ip6tables.ensureFirst('INPUT', [toInput])
  await ip6tables.ensureFirst('FORWARD', [toForward])
}

/**
 * The name servers containers ask: Docker takes them from the same file, and systemd-resolved's
 * from its own.
 */
async function resolversOfHost(): Promise<string[]> {
  const texts = await Promise.all(
    ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'].map((path) => readFile(path, 'utf8').catch(() => '')),
  )
  return [...new Set(texts.flatMap(parseResolvers))]
}

/**
 * IPv4 name servers of resolv.conf(5), without this host's own loopback: Docker asks those from
 * outside the container.
 */
export function parseResolvers(text: string): string[] {
  return [...text.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)]
    .map((match) => match[1] ?? '')
    .filter((address) => isIPv4(address) && !address.startsWith('127.'))
}
