import { X509Certificate } from 'node:crypto'
import type { AcmeSettings } from '../acme-settings.ts'
import type { Config } from '../config.ts'
import type { Logger } from '../log.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import type { AppId } from '../model/ids.ts'
import { pauseAfter, usualRenewal, type ManagedCertificate } from '../model/managed-certificate.ts'
import { shutdown } from '../model/stop-reasons.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { RouterControl } from '../router/control/control.ts'
import type { Store } from '../store/store.ts'
import { askRenewal } from './acme/order-process.ts'
import { Dns } from './dns.ts'
import { explainOrderFailure } from './explain.ts'
import { KnownAuthority } from './authority-facts.ts'
import { issue } from './issue.ts'
import { trustOf } from './place-order.ts'
import { isPublicName, recordName, recordWanted } from './wanted.ts'
import { ShownProofs } from './shown-proofs.ts'

export type CertificatesOptions = {
  config: Pick<Config, 'acme' | 'domain'>
  store: Store
  router: Pick<RouterControl, 'prove'>
  outbound: Pick<Outbound, 'policy'>
  platformLog: Pick<PlatformLog, 'api'>
  log: Logger
}

/** Orders under way at once. */
const mostOrders = 4
/** Milliseconds between two looks at the record at most: somebody may set the clock. */
const longestSleep = 60_000
/** Milliseconds until an authority without wishes is asked for them again. */
const renewalInterval = 12 * 3_600_000

/** What is done with certificates: an app's routes are made anew, or the server's own are shown. */
export type Showing = { converge: (appId: AppId) => void; showOwn: () => Promise<void> }

/**
 * Gets certificates for the names that lead here, and renews them, as the record says: one order
 * at a time for each name. What serves is shown until there is another. Whoever changes the record
 * wakes it.
 */
export class Certificates implements AsyncDisposable {
  readonly #own: CertificatesOptions
  readonly #settings: AcmeSettings | undefined
  readonly #proofs: ShownProofs
  readonly #dns: Dns
  readonly #authority = new KnownAuthority()
  readonly #stopping = new AbortController()
  readonly #busy = new Map<string, Promise<void>>()
  #showing: Showing = { converge: () => undefined, showOwn: () => Promise.resolve() }
  #timer: NodeJS.Timeout | undefined

  constructor(options: CertificatesOptions) {
    const { config, router, log } = options
    this.#own = options
    this.#settings = config.acme
    this.#dns = new Dns(config.acme?.nameServers ?? [])
    const onWanted = (hosts: string[]): void => this.#recordNames(hosts)
    this.#proofs = new ShownProofs({ router, log, isOnDemand: () => this.#isOnDemand, onWanted })
  }

  /** Certificates that were issued are shown also where no more are requested. */
  async begin(showing: Showing): Promise<void> {
    this.#showing = showing
    await showing.showOwn()
    if (this.#settings === undefined) return
    this.#proofs.begin()
    this.wake()
  }

  /** Looks at the record, now. */
  wake(): void {
    const settings = this.#settings
    if (settings === undefined || this.#stopping.signal.aborted) return
    clearTimeout(this.#timer)
    let next = Date.now() + longestSleep
    try {
      for (const { id } of recordWanted({ ...this.#own, settings, domain: this.#own.config.domain })) {
        this.#showing.converge(id)
      }
      next = Math.min(next, this.#beginDue())
    } catch (cause) {
      this.#own.log.error({ err: cause }, 'the record of certificates could not be looked at')
    }
    this.#timer = setTimeout(() => this.wake(), Math.max(next - Date.now(), 100))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(shutdown)
    clearTimeout(this.#timer)
    await Promise.all(this.#busy.values())
    this.#proofs[Symbol.dispose]()
  }

  get #isOnDemand(): boolean {
    return this.#settings !== undefined && isPublicName(this.#own.config.domain)
  }

  #recordNames(hosts: string[]): void {
    const settings = this.#settings
    if (settings === undefined) return
    const deps = { ...this.#own, settings, domain: this.#own.config.domain }
    const apps = hosts.flatMap((host) => recordName(deps, host) ?? [])
    for (const { id } of apps) this.#showing.converge(id)
    if (apps.length > 0) this.wake()
  }

  /** @returns when the next one is due, milliseconds since 1970 */
  #beginDue(): number {
    let next = Infinity
    for (const managed of this.#own.store.managedCertificates.listAll()) {
      if (this.#busy.has(managed.name)) continue
      if (managed.nextAt.getTime() > Date.now()) return Math.min(next, managed.nextAt.getTime())
      if (this.#busy.size >= mostOrders) return next // the end of one of them wakes us
      const { name } = managed
      const done = this.#settle(managed).finally(() => {
        this.#busy.delete(name)
        this.wake()
      })
      this.#busy.set(name, done)
    }
    return next
  }

  async #settle(managed: ManagedCertificate): Promise<void> {
    try {
      if (managed.issued !== null && Date.now() < managed.issued.renewAt.getTime()) await this.#lookAtRenewal(managed)
      else await this.#issue(managed)
    } catch (cause) {
      this.#own.log.error({ err: cause, name: managed.name }, 'what became of a certificate is not on record')
    }
  }

  async #issue(managed: ManagedCertificate): Promise<void> {
    const { store, config, outbound, log } = this.#own
    const { signal } = this.#stopping
    const settings = this.#settings!
    const { id, name, appId } = managed
    store.managedCertificates.setState(id, { kind: 'ordering' }, { failures: managed.failures, nextAt: new Date() })
    try {
      const { directory } = settings
      const facts = () => this.#authority.facts({ directory, trust: trustOf(settings) }, signal)
      const own = { dns: this.#dns, proofs: this.#proofs, facts }
      const parts = { ...own, ...outbound, store, settings, log, domain: config.domain }
      const issued = await issue(parts, managed, signal)
      this.#record(managed, issued)
      log.info({ name, app: appId }, 'certificate issued')
      if (appId === null) await this.#showing.showOwn()
      else this.#showing.converge(appId)
    } catch (cause) {
      if (!signal.aborted) this.#recordFailure(managed, cause)
    }
  }

  #record({ id, name, appId }: ManagedCertificate, issued: { certificate: string; key: string }): void {
    const { store, platformLog } = this.#own
    const { validFromDate, validToDate } = new X509Certificate(issued.certificate)
    const renewAt = usualRenewal({ from: validFromDate, to: validToDate })
    const dates = { issuedAt: new Date(), endsAt: validToDate, renewAt }
    // Its authority is asked at once when it wants to be asked again.
    store.managedCertificates.issue(id, { ...issued, ...dates }, new Date())
    const until = validToDate.toISOString().slice(0, 10)
    if (appId !== null) platformLog.api(appId, `Certificate for ${name} issued, valid until ${until}`)
  }

  #recordFailure(managed: ManagedCertificate, cause: unknown): void {
    const { store, platformLog, log } = this.#own
    const { id, name, appId, state } = managed
    const authority = new URL(this.#settings!.directory).host
    const { fault, message: problem, retryAfter = 0 } = explainOrderFailure(cause, { name, authority })
    const failures = managed.failures + 1
    const nextAt = new Date(Date.now() + Math.max(pauseAfter(fault, failures), retryAfter * 1000))
    store.managedCertificates.setState(id, { kind: 'failing', problem, fault }, { failures, nextAt })
    log.warn({ name, app: appId, err: cause, nextAt }, 'no certificate yet')
    const isKnown = state.kind === 'failing' && state.problem === problem
    if (appId !== null && !isKnown) platformLog.api(appId, `No certificate for ${name} yet. ${problem}`)
  }

  /** The authority may want it to be renewed earlier, or later, than usual. */
  async #lookAtRenewal(managed: ManagedCertificate): Promise<void> {
    const { store, log } = this.#own
    const { id, name } = managed
    const issued = managed.issued!
    const settings = this.#settings!
    const { directory } = settings
    const question = { directory, trust: trustOf(settings), certificate: issued.certificate }
    const window = await askRenewal(question, this.#stopping.signal).catch((cause: unknown) => {
      if (!this.#stopping.signal.aborted) log.warn({ name, err: cause }, 'the authority does not say when to renew')
      return undefined
    })
    const { renewAt } = issued
    const isWithin = window && renewAt.getTime() >= window.start && renewAt.getTime() <= window.end
    const wished = window && !isWithin ? new Date(window.start + Math.random() * (window.end - window.start)) : renewAt
    const askAgain = Date.now() + (window === undefined ? renewalInterval : window.askAgainAfter * 1000)
    const nextAt = new Date(Math.max(Math.min(wished.getTime(), askAgain), Date.now() + 1_000))
    store.managedCertificates.setRenewal(id, wished, nextAt)
  }
}
