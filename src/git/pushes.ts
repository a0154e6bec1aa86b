import type { Held } from '../grants/grants.ts'
import type { Account } from '../model/account.ts'
import type { App } from '../model/app.ts'
import type { TokenId } from '../model/ids.ts'
import type { NewBuild } from '../source/accept-build.ts'

/** A push whose receive-pack runs: what a hook of it may do, and for whom. */
export type Push = {
  app: App
  account: Account
  access: Held
  /** Where it comes from, for the audit log. */
  from: { token: TokenId | null; client: string | null }
  /** Aborted when nobody reads the answer any more. */
  signal: AbortSignal
  /**
   * Refs that proc-receive let through, and the builds that post-receive starts once they have
   * moved.
   */
  letThrough: Map<string, NewBuild>
  /** False for a client that git tells nothing of its refs. */
  takesReport: boolean
  /** Why refs are not taken, once proc-receive has decided. */
  refusals?: string[]
}

/** The pushes in progress, by the pid of their receive-pack: the parent of each of its hooks. */
export class Pushes {
  readonly #byPid = new Map<number, Push>()

  open(pid: number, opened: Omit<Push, 'letThrough' | 'refusals'>): { push: Push } & Disposable {
    const push: Push = { ...opened, letThrough: new Map() }
    this.#byPid.set(pid, push)
    return { push, [Symbol.dispose]: () => void this.#byPid.delete(pid) }
  }

  find(pid: number): Push | undefined {
    return this.#byPid.get(pid)
  }
}
