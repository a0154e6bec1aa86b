import { promises as dns, type CaaRecord } from 'node:dns'
import { isIP } from 'node:net'

/** Milliseconds for one question, which is asked twice, and for all of them. */
const patience = { question: 2_000, total: 10_000 }
/** What the DNS says where nothing is. */
const none = ['ENOTFOUND', 'ENODATA']

export class DnsSilent extends Error {}

/** Asks name servers, the machine's own unless others are named. */
export class Dns {
  readonly #servers: string[]

  constructor(servers: string[]) {
    this.#servers = servers
  }

  /** IPv4 and IPv6; an address is its own. @throws DnsSilent */
  async addresses(name: string): Promise<string[]> {
    if (isIP(name) !== 0) return [name]
    return this.#ask(async (resolver) => {
      const found = await Promise.all([orNone(resolver.resolve4(name)), orNone(resolver.resolve6(name))])
      return found.flat()
    })
  }

  /** What a name is another name for; undefined: it is not. */
  async alias(name: string): Promise<string | undefined> {
    return this.#ask(async (resolver) => (await orNone(resolver.resolveCname(name)))[0])
  }

  /** The texts of a name's records. @throws DnsSilent */
  async texts(name: string): Promise<string[]> {
    return this.#ask(async (resolver) => (await orNone(resolver.resolveTxt(name))).map((parts) => parts.join('')))
  }

  /**
   * Those that hold for a name: its own, or of the nearest name above that has any (RFC 8659,
   * section 3). @throws DnsSilent
   */
  async caa(name: string): Promise<{ of: string; records: CaaRecord[] } | undefined> {
    return this.#ask(async (resolver) => {
      const labels = name.split('.')
      for (const at of labels.keys()) {
        const of = labels.slice(at).join('.')
        const records = await orNone(resolver.resolveCaa(of))
        if (records.length > 0) return { of, records }
      }
      return undefined
    })
  }

  async #ask<T>(question: (resolver: dns.Resolver) => Promise<T>): Promise<T> {
    const resolver = new dns.Resolver({ timeout: patience.question, tries: 2 })
    if (this.#servers.length > 0) resolver.setServers(this.#servers)
    const late = setTimeout(() => resolver.cancel(), patience.total)
    try {
      return await question(resolver)
    } catch (cause) {
      throw new DnsSilent('the DNS does not answer', { cause })
    } finally {
      clearTimeout(late)
    }
  }
}

async function orNone<T>(answers: Promise<T[]>): Promise<T[]> {
  try {
    return await answers
  } catch (cause) {
    if (none.includes((cause as NodeJS.ErrnoException).code ?? '')) return []
    throw cause
  }
}
