import type { Proofs } from '../model/route.ts'
import type { RequestHead } from './http/request-head.ts'
import type { Answer } from './router-error.ts'
import type { TlsIdentity } from './tls/identity.ts'
import { turnTime } from './turn.ts'

/** Milliseconds that proofs are shown after they were told last. */
const life = 15_000
const path = '/.well-known/acme-challenge/'
const none: Proofs = { http: [], tls: [], onDemand: false }

/** Milliseconds that a handshake waits, and that others do not after it was in vain. */
const patience = { handshake: 8_000, afterwards: 600_000 }

type LiveProofsDeps = {
  isNameOfApp: (host: string) => boolean
  hasCertificate: (host: string) => boolean
}

/**
 * What proves to an authority that hosts are ours, and the names of apps that are still without a
 * certificate. Of hosts that strangers make up nothing is kept.
 */
export class LiveProofs {
  readonly #deps: LiveProofsDeps
  #proofs = none
  #until = 0
  readonly #wanted = new Set<string>()
  /** By host: until when nobody waits. */
  readonly #inVain = new Map<string, number>()

  constructor(deps: LiveProofsDeps) {
    this.#deps = deps
  }

  /** @returns the names of apps that have been asked for since the last call */
  show(proofs: Proofs): string[] {
    this.#proofs = proofs
    this.#until = performance.now() + life
    const wanted = [...this.#wanted].filter((host) => !this.#deps.hasCertificate(host))
    this.#wanted.clear()
    return wanted
  }

  /** What is shown now. */
  get shown(): Proofs {
    return this.#current()
  }

  /** An app may serve the same path: it gets all but those for a token that is waited for. */
  answerTo({ target, host }: Pick<RequestHead, 'target' | 'host'>): Answer | undefined {
    const { http } = this.#current()
    if (http.length === 0 || !target.startsWith(path)) return undefined
    const token = target.slice(path.length)
    const found = http.find((one) => one.token === token && one.host === host)
    if (found === undefined) return undefined
    return { status: 200, title: '', text: '', code: undefined, plain: found.answer }
  }

  /** Whether a handshake may be one of an authority. */
  get any(): boolean {
    return this.#current().tls.length > 0
  }

  /** What is shown to a client that speaks `acme-tls/1`. */
  identityFor(host: string): TlsIdentity | undefined {
    return this.#current().tls.find((one) => one.host === host)
  }

  /** Notes that a host was asked for, where it is an app's name without a certificate. */
  want(host: string): boolean {
    if (!this.#current().onDemand || !this.#deps.isNameOfApp(host) || this.#deps.hasCertificate(host)) return false
    this.#wanted.add(host)
    return true
  }

  /**
   * Resolves when the host has a certificate, or is not to have one soon.
   */
  async untilCertain(host: string): Promise<void> {
    const now = performance.now()
    if (!this.want(host) || now < (this.#inVain.get(host) ?? 0)) return
    const deadline = now + patience.handshake
    while (performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 100).unref())
      if (this.#deps.hasCertificate(host) || !this.#current().onDemand) return
    }
    for (const [other, until] of this.#inVain) if (until < deadline) this.#inVain.delete(other)
    this.#inVain.set(host, deadline + patience.afterwards)
  }

  #current(): Proofs {
    return turnTime() < this.#until ? this.#proofs : none
  }
}
