import type { Config } from '../config.ts'
import type { Finding } from '../model/finding.ts'
import { findingsOf } from './findings.ts'
import { output } from './run.ts'

const firewall = findingsOf('firewall')

type Walled = Pick<Config, 'httpPort' | 'httpsPort' | 'network'>

/** What iptables shows: ufw sets the same rules. Firewalls beside this machine cannot be seen. */
export async function findFirewall(config: Walled, { serves }: { serves: boolean }): Promise<Finding> {
  const rules = await output('iptables', ['--wait', '3', '--list-rules'])
  if (rules === undefined) return firewall.unknown('iptables shows nothing to this user', 'Run this as root.')
  return judgeFirewall(rules, config, { serves })
}

/**
 * @param rules as `iptables --list-rules` prints them
 * @param options.serves the server runs, so its own chains must be there
 */
export function judgeFirewall(
  rules: string,
  { httpPort, httpsPort, network }: Walled,
  { serves }: { serves: boolean },
): Finding {
  const ports = [httpPort, httpsPort].filter((port) => port !== undefined)
  const closed = ports.filter((port) => verdictOf(rules, port) === 'dropped')
  if (closed.length > 0) {
    const opening = `ufw allow ${closed.join(',')}/tcp, or iptables -I INPUT -p tcp -m multiport --dports ${closed.join(',')} -j ACCEPT`
    return firewall.bad(`this machine's firewall drops visitors of port ${closed.join(' and ')}`, `Run: ${opening}`)
  }
  if (!network.firewall) {
    return firewall.warning(
      'PAAS_FIREWALL=off: something else has to keep apps from this machine',
      'Unset it if nothing does.',
    )
  }
  if (serves && !/^-N PAAS-FORWARD$/m.test(rules)) {
    return firewall.bad('the rules that keep apps apart are missing', 'Restart the server, which sets them again.')
  }
  return firewall.good(
    `it lets visitors reach port ${ports.join(' and ')}; a provider's firewall cannot be seen from here`,
  )
}

/** Chains that were looked through already end there, whatever refers to what. */
const deepest = 8

/**
 * What becomes of a new connection to a port from anywhere. A rule with a condition that is not
 * understood here is taken as not matching.
 */
function verdictOf(rules: string, port: number): 'accepted' | 'dropped' {
  const lines = rules.split('\n')
  const walk = (chain: string, depth: number): 'accepted' | 'dropped' | undefined => {
    for (const line of lines.filter((one) => one.startsWith(`-A ${chain} `))) {
      const [, conditions = '', target = ''] = /^-A \S+ ?(.*?) ?-[jg] (\S+)/.exec(line) ?? []
      if (target === '' || !matches(conditions, port)) continue
      if (target === 'ACCEPT') return 'accepted'
      if (target === 'DROP' || target === 'REJECT') return 'dropped'
      const found = target === 'RETURN' || depth === deepest ? undefined : walk(target, depth + 1)
      if (found) return found
      if (target === 'RETURN') return undefined
    }
    return undefined
  }
  return walk('INPUT', 0) ?? (/^-P INPUT (DROP|REJECT)$/m.test(rules) ? 'dropped' : 'accepted')
}

function matches(conditions: string, port: number): boolean {
  const rest = conditions
    .replace(/-m comment --comment ("[^"]*"|\S+)/g, '')
    .replace(/-p tcp\b|-m (tcp|multiport|state|conntrack)\b/g, '')
    .replace(/--(ct)?state \S*\bNEW\b\S*/g, '')
    .replace(/--dports? (\S+)/g, (option, ports: string) => (ports.split(',').some(has(port)) ? '' : option))
  return rest.trim() === ''
}

const has =
  (port: number) =>
  (range: string): boolean => {
    const [from = NaN, to = from] = range.split(':').map(Number)
    return port >= from && port <= to
  }
