import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../log.ts'
import { startGit } from './git-command.ts'

/** What is in a repository: its packs, and all its refs with what they lead to. */
type Content = { packs: Set<string>; refs: string }
/** The packs that a push brought which was refused, and the refs there were before it came. */
type Refused = { packs: string[]; refs: string }

/**
 * Milliseconds after which a refused push is looked at again: the ref that keeps a failed build's
 * commit goes a moment after the push ends.
 */
const lookAgain = [0, 5_000, 60_000]
const files = ['.idx', '.rev', '.bitmap', '.pack']

/**
 * Removes what refused pushes leave: git moves a pack out of its quarantine before it asks what to
 * do with the refs. A pack came with a push that was refused, no other push is in progress, and the
 * refs are what they were before it: then nothing leads to what is in it.
 */
export class UnclaimedPacks implements AsyncDisposable {
  readonly #log: Logger
  readonly #underWay = new Map<string, number>()
  readonly #cleaning = new Set<Promise<void>>()
  readonly #stop = new AbortController()

  constructor({ log }: { log: Logger }) {
    this.#log = log
  }

  /** A push begins. @returns to be told how it ended, and to be disposed of then */
  async watch(repository: string): Promise<Disposable & { refused(): void }> {
    this.#underWay.set(repository, (this.#underWay.get(repository) ?? 0) + 1)
    let isRefused = false
    const before = await this.#contentOf(repository).catch((cause: unknown) => {
      this.#leave(repository)
      throw cause
    })
    return {
      refused: () => (isRefused = true),
      [Symbol.dispose]: () => {
        this.#leave(repository)
        if (isRefused && !this.#stop.signal.aborted) this.#cleanLater(repository, before)
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the server stops'))
    await Promise.all(this.#cleaning)
  }

  #leave(repository: string): void {
    const left = (this.#underWay.get(repository) ?? 1) - 1
    if (left > 0) this.#underWay.set(repository, left)
    else this.#underWay.delete(repository)
  }

  #cleanLater(repository: string, before: Content): void {
    const cleaning = this.#clean(repository, before)
      .catch((cause: unknown) => {
        if (!this.#stop.signal.aborted)
          this.#log.warn({ err: cause, repository }, 'what a refused push left is still there')
      })
      .finally(() => this.#cleaning.delete(cleaning))
    this.#cleaning.add(cleaning)
  }

  async #clean(repository: string, before: Content): Promise<void> {
    const { packs } = await this.#contentOf(repository)
    const refused = { packs: [...packs].filter((pack) => !before.packs.has(pack)), refs: before.refs }
    if (refused.packs.length === 0) return
    for (const pause of lookAgain) {
      await delay(pause, undefined, { signal: this.#stop.signal })
      if (await this.#remove(repository, refused)) return
    }
  }

  /** False when it cannot be said now. */
  async #remove(repository: string, { packs, refs }: Refused): Promise<boolean> {
    if (this.#underWay.has(repository)) return false
    const now = await this.#contentOf(repository)
    if (now.refs !== refs || this.#underWay.has(repository)) return false
    for (const pack of packs) {
      for (const file of files) await rm(join(repository, 'objects/pack', pack + file), { force: true })
    }
    return true
  }

  async #contentOf(repository: string): Promise<Content> {
    const listing = startGit(repository, ['for-each-ref', '--format=%(objectname) %(refname)'], this.#stop.signal)
    listing.stdin.end()
    const [refs, names] = await Promise.all([text(listing.stdout), readdir(join(repository, 'objects/pack'))])
    await listing.done
    const packs = names.filter((name) => name.endsWith('.pack')).map((name) => name.slice(0, -'.pack'.length))
    return { packs: new Set(packs), refs }
  }
}
