import { createHmac } from 'node:crypto'
import { promises as dns } from 'node:dns'
import type { Config } from '../../config.ts'
import { PaasError } from '../../errors.ts'
import type { AccountId } from '../../model/ids.ts'

/** Milliseconds for one question, which is asked twice, and for both of them. */
const patience = { question: 1500, total: 5000 }

/** What the DNS says where nothing is. */
const none = ['ENOTFOUND', 'ENODATA']

export type DomainProofDeps = { config: Pick<Config, 'domain' | 'domainProof'>; secret: Buffer }

/**
 * Checks by DNS that an account controls a domain, if the operator requires it. Each account and
 * name has records of its own.
 */
export class DomainProof {
  readonly #deps: DomainProofDeps

  constructor(deps: DomainProofDeps) {
    this.#deps = deps
  }

  /** @throws domain_unproven, with the records to set */
  async check(owner: AccountId, hostname: string): Promise<void> {
    const { domainProof } = this.#deps.config
    if (domainProof === undefined) return
    const resolver = new dns.Resolver({ timeout: patience.question, tries: 2 })
    if (domainProof.servers.length > 0) resolver.setServers(domainProof.servers)
    const late = setTimeout(() => resolver.cancel(), patience.total)
    const wanted = this.#recordsFor(owner, hostname)
    try {
      const found = await Promise.all([hasText(resolver, wanted), leadsHere(resolver, wanted)])
      if (found.includes('yes')) return
      throw unproven(wanted, found.includes('silent'))
    } finally {
      clearTimeout(late)
    }
  }

  #recordsFor(owner: AccountId, hostname: string): Records {
    const { secret, config } = this.#deps
    const token = createHmac('sha256', secret)
      .update(JSON.stringify([owner, hostname]))
      .digest('hex')
      .slice(0, 32)
    const text = { name: `_paas.${hostname.replace(/^\*\./, '')}`, value: `paas-domain=${token}` }
    // App names are shorter, so nobody can take this name by creating an app. A wildcard itself
    // cannot be looked up.
    const alias = hostname.startsWith('*.') ? undefined : { name: hostname, value: `${token}.${config.domain}` }
    return { hostname, text, alias }
  }
}

type DnsRecord = { name: string; value: string }
type Records = { hostname: string; text: DnsRecord; alias: DnsRecord | undefined }
type Answer = 'yes' | 'no' | 'silent'

async function hasText(resolver: dns.Resolver, { text: { name, value } }: Records): Promise<Answer> {
  return ask(async () => (await resolver.resolveTxt(name)).some((parts) => parts.join('') === value))
}

async function leadsHere(resolver: dns.Resolver, { alias }: Records): Promise<Answer> {
  if (!alias) return 'no'
  return ask(async () => (await resolver.resolveCname(alias.name)).some((name) => name.toLowerCase() === alias.value))
}

async function ask(question: () => Promise<boolean>): Promise<Answer> {
  try {
    return (await question()) ? 'yes' : 'no'
  } catch (cause) {
    return none.includes((cause as NodeJS.ErrnoException).code ?? '') ? 'no' : 'silent'
  }
}

function unproven({ hostname, text, alias }: Records, isSilent: boolean): PaasError {
  const why = isSilent ? 'its DNS did not answer' : 'its DNS does not have it'
  const other = alias ? `, or ${alias.name} CNAME ${alias.value}, which also points here` : ''
  return new PaasError('domain_unproven', `This server requires a DNS proof that ${hostname} is yours, and ${why}.`, {
    hint: `Set the record ${text.name} TXT "${text.value}"${other}. Then add the domain again; a new record may take some minutes to be visible.`,
  })
}
