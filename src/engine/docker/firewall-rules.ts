import type { HostPort } from '../../model/network.ts'

/** A chain with its rules, in the syntax of iptables-restore(8). */
export type Chain = { name: string; rules: string[] }

/**
 * Where a tenant's packets must not go: private networks (RFC 1918), carrier NAT (RFC 6598),
 * link-local with a cloud's metadata service (RFC 3927), loopback, multicast and what is reserved
 * above it.
 */
const closed = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  '224.0.0.0/3',
]

/** The least limit of connections for one app, on any machine. */
const leastConnections = 1024

const answers = '-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN'
export const refuse = '-j REJECT --reject-with icmp-admin-prohibited'

const withinLimit = '-j PAAS-LIMIT'

/** Ends here for a question to a name server that its sender may not ask. */
const namesChosen = '-j PAAS-NAMES'

/**
 * Container to host: only answers, questions to a name server that is this host, and what
 * PAAS-PUBLIC lets through.
 */
export function inputChains(resolvers: string[]): Chain[] {
  const rules = [answers, namesChosen, ...resolvers.flatMap(toResolver), withinLimit, '-g PAAS-PUBLIC']
  return [{ name: 'PAAS-INPUT', rules }]
}

/**
 * The kernel remembers each connection in a table that all of the machine shares, and refuses new
 * ones when it is full. So an app's dynos, and its builds, have at most a part of it: they have a
 * /24 of their own, by which connections are counted. Those that are over and only remembered for a
 * while (TIME_WAIT) do not count, nor does a full table keep them; questions to name servers, which
 * are as short, do not either. A packet must not come here twice: newer kernels would count it
 * twice.
 * @param tableSize entries (nf_conntrack_max)
 */
export function countChain(tableSize: number): Chain {
  const most = Math.max(leastConnections, Math.floor(tableSize / 64))
  const limit = `-m connlimit --connlimit-above ${most} --connlimit-mask 24 --connlimit-saddr`
  return { name: 'PAAS-COUNT', rules: [`-m conntrack --ctstate NEW ${limit} ${refuse}`] }
}

/**
 * Leads to that chain, which each server finds as it is: a rule that is made again has counted
 * none.
 */
export function limitChain(resolvers: string[]): Chain {
  return { name: 'PAAS-LIMIT', rules: [...resolvers.flatMap(toResolver), '-g PAAS-COUNT'] }
}

/**
 * Before a packet is tracked (table raw): one whose sender is not on the bridge that it comes from
 * is dropped, and what stays on a bridge is not tracked at all, so that an app cannot fill the
 * table with itself.
 * @param pool all networks of ours
 */
export function originChain(pool: string): Chain {
  const untracked = `-d ${pool} -m addrtype ! --dst-type LOCAL -j CT --notrack`
  return { name: 'PAAS-ORIGIN', rules: ['-m rpfilter --invert -j DROP', untracked] }
}

/**
 * An app may call another one, or the api, at the public address of its own server, as anybody may.
 */
export function publicRules(bridges: string, port: number | undefined): string[] {
  return port === undefined ? [] : [`-i ${bridges} -p tcp -m tcp --dport ${port} -j RETURN`]
}

/** The operator's own services on this machine. */
export function hostRules(bridges: string, ports: HostPort[]): string[] {
  const place = ({ address }: HostPort): string => (address === undefined ? '' : `-d ${address}/32 `)
  return ports.map((one) => `${place(one)}-i ${bridges} -p tcp -m tcp --dport ${one.port} -j RETURN`)
}

/** Questions to the name servers that the settings of a server give its own containers. */
export function nameServerRules(bridges: string, servers: string[]): string[] {
  const questions = toNameServers(bridges)
  return servers.flatMap((address) => questions.map((question) => `-d ${address}/32 ${question} -j RETURN`))
}

/** Those to all others, where the settings give any. */
export function otherNameServerRules(bridges: string): string[] {
  return toNameServers(bridges).map((question) => `${question} ${refuse}`)
}

function toNameServers(bridges: string): string[] {
  return ['udp', 'tcp'].map((protocol) => `-i ${bridges} -p ${protocol} -m ${protocol} --dport 53`)
}

/**
 * Without a firewall the chains, which other servers may need, let the containers of this one
 * through.
 */
export function exemptRules(bridges: string): string[] {
  return [`-i ${bridges} -j RETURN`]
}

/** What the settings of a server open to its own containers. */
export function allowRules(bridges: string, networks: string[]): string[] {
  return networks.map((network) => `${network === '0.0.0.0/0' ? '' : `-d ${network} `}-i ${bridges} -j RETURN`)
}

/**
 * Container to elsewhere. Traffic inside one bridge passes, where the kernel shows it to iptables
 * at all; another of our bridges is closed even if the settings open its addresses. A RETURN
 * anywhere ends all three chains, since they are entered by "goto".
 */
export function forwardChains(resolvers: string[]): Chain[] {
  return [
    {
      name: 'PAAS-FORWARD',
      rules: [
        answers,
        '-m physdev --physdev-is-bridged -j RETURN',
        `-o paas+ ${refuse}`,
        namesChosen,
        ...resolvers.flatMap(toResolver),
        '-g PAAS-ALLOW',
      ],
    },
    { name: 'PAAS-PRIVATE', rules: closed.map((network) => `-d ${network} ${refuse}`) },
  ]
}

/** IPv6 is not given to containers, so all of it but answers is refused. */
export const sealedChains: Chain[] = ['PAAS-INPUT', 'PAAS-FORWARD'].map((name) => ({
  name,
  rules: [answers, '-j REJECT --reject-with icmp6-adm-prohibited'],
}))

function toResolver(address: string): string[] {
  return ['udp', 'tcp'].map((protocol) => `-d ${address}/32 -p ${protocol} --dport 53 -j RETURN`)
}
