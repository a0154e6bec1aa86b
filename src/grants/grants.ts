import { PaasError } from '../errors.ts'
import { isAtLeast } from '../model/access.ts'
import type { Grant } from '../model/grant.ts'
import type { Store } from '../store/store.ts'

/** What is open because of a grant. */
export type Held = Disposable & {
  /** Aborted when the grant has ended, with the reason in words. */
  signal: AbortSignal
  /** Looks now. @throws forbidden */
  check(): void
}

/** Milliseconds between looks at the database, which other processes write too. */
const lookEvery = 1000
/**
 * What one account may have open in a process at once: each takes a connection and mostly a file,
 * and descriptors are everybody's.
 */
export const mostOpen = 200

/**
 * Everything of this process that is open because somebody was allowed to: it ends at most a second
 * after what allowed it. Each process that holds such streams has one of these; the database
 * decides for all of them.
 */
export class Grants implements Disposable {
  readonly #store: Pick<Store, 'accounts' | 'tokens' | 'apps' | 'collaborators'>
  readonly #open = new Map<AbortController, Grant>()
  #timer: NodeJS.Timeout | undefined

  constructor(store: Pick<Store, 'accounts' | 'tokens' | 'apps' | 'collaborators'>) {
    this.#store = store
  }

  /** @throws forbidden */
  check(grant: Grant): void {
    const why = whyEnded(this.#store, grant)
    if (why) throw new PaasError('forbidden', `${why}.`)
  }

  /**
   * Until it is disposed of.
   * @throws forbidden, and rate_limit for an account that has too much open
   */
  hold(grant: Grant): Held {
    this.check(grant)
    this.#checkRoom(grant)
    const ended = new AbortController()
    this.#open.set(ended, grant)
    this.#timer ??= setInterval(() => this.review(), lookEvery).unref()
    return {
      signal: ended.signal,
      check: () => this.check(grant),
      [Symbol.dispose]: () => this.#release(ended),
    }
  }

  /** Ends what is not allowed any more, now. */
  review(): void {
    for (const [ended, grant] of this.#open) {
      const why = this.#look(grant)
      if (!why) continue
      this.#release(ended)
      ended.abort(new PaasError('forbidden', `${why}.`))
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#open.clear()
  }

  #checkRoom({ accountId }: Grant): void {
    const open = [...this.#open.values()].filter((grant) => grant.accountId === accountId).length
    if (open < mostOpen) return
    throw new PaasError(
      'rate_limit',
      `${mostOpen} logs, outputs, uploads, downloads and pushes of this account are open, the limit.`,
      {
        hint: 'Close some of them, for example log tails.',
      },
    )
  }

  /**
   * A record that cannot be read now, on a full disk for one, is asked again in a second: it is no
   * reason to end anybody, the process included.
   */
  #look(grant: Grant): string | undefined {
    try {
      return whyEnded(this.#store, grant)
    } catch {
      return undefined
    }
  }

  #release(ended: AbortController): void {
    this.#open.delete(ended)
    if (this.#open.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

function whyEnded(
  { accounts, tokens, apps, collaborators }: Pick<Store, 'accounts' | 'tokens' | 'apps' | 'collaborators'>,
  { accountId, token, app: granted }: Grant,
): string | undefined {
  const account = accounts.find(accountId)
  if (!account || account.suspendedAt) return 'The account that requested this was disabled'
  const present = token && tokens.find(token.id)
  if (token && present?.fingerprint !== token.fingerprint) return 'The token of this request was revoked'
  if (present?.expiresAt && present.expiresAt.getTime() <= Date.now()) return 'The token of this request has expired'
  if (!granted) return undefined
  const app = apps.find(granted.id)
  if (!app) return 'The app was destroyed'
  const role = collaborators.roleOf(account, app)
  if (role && isAtLeast(role, granted.role)) return undefined
  return `${account.email} may no longer do this with ${app.name}: it needs the role ${granted.role}`
}
