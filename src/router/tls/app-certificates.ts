import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../../log.ts'
import type { TlsIdentity } from './identity.ts'

export type AppCertificatesDeps = {
  /** Makes one for each of these hosts, in their order, elsewhere than in this thread. */
  issue: (hosts: string[]) => Promise<TlsIdentity[]>
  log: Logger
}

const day = 86_400_000
/** Days that they hold, and after which the next visitor gets a new one. */
export const appCertificateLifetime = { days: 90, renewal: 30 }
/** Kept at most; the oldest go first. */
const most = 1_000
/**
 * For which others that are asked for are waited for, milliseconds: a process of its own takes ten
 * times as long to start.
 */
const gathering = 20
/** After a failure, until the next attempt, milliseconds. */
const pause = 60_000

/**
 * Certificates for single hosts, made when a visitor first asks for one and kept in memory. Those
 * that are asked for at the same time are made together, those that are asked for meanwhile
 * together after them.
 */
export class AppCertificates {
  readonly #deps: AppCertificatesDeps
  readonly #issued = new Map<string, { identity: TlsIdentity; renewal: number }>()
  readonly #waiting = new Map<string, PromiseWithResolvers<TlsIdentity | undefined>>()
  #issuing = false
  #pausedUntil = -Infinity

  constructor(deps: AppCertificatesDeps) {
    this.#deps = deps
  }

  /** @returns undefined when none could be made */
  async get(host: string): Promise<TlsIdentity | undefined> {
    const issued = this.#issued.get(host)
    if (issued !== undefined && Date.now() < issued.renewal) return issued.identity
    if (performance.now() < this.#pausedUntil) return undefined
    const waiting = this.#waiting.get(host) ?? Promise.withResolvers()
    this.#waiting.set(host, waiting)
    if (!this.#issuing) void this.#issueWaiting()
    return waiting.promise
  }

  async #issueWaiting(): Promise<void> {
    this.#issuing = true
    while (this.#waiting.size > 0) {
      await delay(gathering)
      const hosts = [...this.#waiting.keys()]
      const identities = await this.#issue(hosts)
      for (const [index, host] of hosts.entries()) {
        this.#waiting.get(host)?.resolve(identities[index])
        this.#waiting.delete(host)
      }
    }
    this.#issuing = false
  }

  async #issue(hosts: string[]): Promise<TlsIdentity[]> {
    try {
      const identities = await this.#deps.issue(hosts)
      for (const [index, identity] of identities.entries()) this.#keep(hosts[index]!, identity)
      return identities
    } catch (cause) {
      this.#deps.log.error({ err: cause, hosts }, 'certificates could not be made')
      this.#pausedUntil = performance.now() + pause
      return []
    }
  }

  #keep(host: string, identity: TlsIdentity): void {
    this.#issued.delete(host)
    this.#issued.set(host, { identity, renewal: Date.now() + appCertificateLifetime.renewal * day })
    const [oldest] = this.#issued.keys()
    if (this.#issued.size > most && oldest !== undefined) this.#issued.delete(oldest)
  }
}
