import { setTimeout as delay } from 'node:timers/promises'
import { tellProgress } from '../build/tell-progress.ts'
import { asPaasError, isPassing } from '../errors.ts'
import { serverAct } from '../model/audit.ts'
import type { StackUpgrade } from '../model/stack-upgrade.ts'
import { shutdown } from '../model/stop-reasons.ts'
import { askUpgrade } from './ask.ts'
import { findCandidates, targetsOf, type MoveCandidate } from './candidates.ts'
import { moveApp } from './move-app.ts'
import type { UpgradesOptions } from './parts.ts'
import { everyDay } from '../every-day.ts'

/** Apps that are moved at once: new dynos run beside the old ones for a while. */
const together = 3
/** Milliseconds until an upgrade that something kept from going on is gone on with. */
const patience = 5000

/**
 * Moves apps to run images with Debian's updates, without building them again: first the images
 * are made, if Debian has anything new, then each app has a release on them. Upgrades are on
 * record, and one is carried out at a time. Disposal leaves the rest of one to the next worker.
 */
export class StackUpgrades implements AsyncDisposable {
  readonly #own: UpgradesOptions
  readonly #stopping = new AbortController()
  #work: Promise<void> | undefined
  #isAsked = false

  readonly #daily: Disposable | undefined

  constructor(options: UpgradesOptions) {
    this.#own = options
    const { config, store } = options
    const begin = (): void => {
      store.audit.during(serverAct('stack-upgrades.create'), () =>
        askUpgrade(store, { apps: store.apps.list(), accountId: null }),
      )
      this.wake()
    }
    this.#daily = config.stackUpgrade && everyDay(config.stackUpgrade, begin)
  }

  /** Carries out what is on record, now or after what is under way. */
  wake(): void {
    this.#isAsked = true
    this.#work ??= this.#workOff().finally(() => (this.#work = undefined))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#daily?.[Symbol.dispose]()
    this.#stopping.abort(shutdown)
    await this.#work
  }

  async #workOff(): Promise<void> {
    const { store } = this.#own
    const { signal } = this.#stopping
    while (this.#isAsked && !signal.aborted) {
      this.#isAsked = false
      for (const upgrade of store.stackUpgrades.listRunning()) {
        if (!signal.aborted)
          await this.#carryOut(upgrade, signal).catch((cause: unknown) => this.#giveUp(upgrade, cause))
      }
    }
  }

  async #carryOut(upgrade: StackUpgrade, signal: AbortSignal): Promise<void> {
    const { store, log } = this.#own
    log.info({ upgrade: upgrade.id, apps: upgrade.moves.length }, 'stack upgrade')
    const candidates = await findCandidates(this.#own, upgrade)
    const outdated: MoveCandidate[] = []
    for (const [stack, apps] of Map.groupBy(candidates, ({ stack: name }) => name)) {
      outdated.push(...(await this.#patch(upgrade, { stack, apps }, signal)))
    }
    store.stackUpgrades.setState(upgrade.id, {
      kind: 'running',
      progress: outdated.length > 0 ? 'moving the apps' : '',
    })
    await this.#moveAll(upgrade, outdated, signal)
    store.stackUpgrades.setState(upgrade.id, { kind: 'finished' })
    log.info({ upgrade: upgrade.id, ...this.#counts(upgrade) }, 'stack upgrade finished')
    for (const stack of new Set(outdated.map((candidate) => candidate.stack))) void this.#prepare(stack)
  }

  /**
   * Brings the run images of a stack up to date that the apps go on.
   * @returns the apps that are not; of the others it is on record
   */
  async #patch(
    { id }: StackUpgrade,
    { stack, apps: candidates }: { stack: string; apps: MoveCandidate[] },
    signal: AbortSignal,
  ): Promise<MoveCandidate[]> {
    const { store, stacks, sandboxes } = this.#own
    const { toolbox, states } = stacks(stack)
    const say = (progress: string): void => store.stackUpgrades.setState(id, { kind: 'running', progress })
    const onProgress = (line: string): void => tellProgress({ detail: say }, line)
    say('looking up what Debian has newer versions of')
    const targets = await targetsOf(toolbox, candidates, onProgress)
    const images = [...candidates.map(({ image }) => image), ...targets]
    const known = await states.of(
      images.map(({ digest }) => digest),
      { now: true },
      signal,
    )
    const isOutdated = (index: number): boolean => (known.states[index]?.updates.length ?? 0) > 0
    if (targets.some((_, index) => isOutdated(candidates.length + index))) {
      store.stackPatches.add(stack, known.snapshot)
      sandboxes.renew(stack)
    }
    const outdated = candidates.filter((_, index) => isOutdated(index))
    for (const candidate of candidates) {
      if (!outdated.includes(candidate)) store.stackUpgrades.setMove(id, candidate.appId, { kind: 'current' })
    }
    await targetsOf(toolbox, outdated, onProgress)
    return outdated
  }

  /** With those that an earlier worker had begun with. */
  async #moveAll(upgrade: StackUpgrade, outdated: MoveCandidate[], signal: AbortSignal): Promise<void> {
    const begun = upgrade.moves.filter(({ state, releaseId }) => state.kind === 'pending' && releaseId !== null)
    const waiting = [...begun, ...outdated.map(({ appId }) => ({ appId, releaseId: null }))]
    const one = async (): Promise<void> => {
      for (let next = waiting.shift(); next && !signal.aborted; next = waiting.shift()) {
        await moveApp(this.#own, { upgrade, ...next }, signal)
      }
    }
    const ends = await Promise.allSettled(Array.from({ length: together }, one))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    signal.throwIfAborted()
  }

  /** What passes by itself is tried again, as often as it takes. */
  async #giveUp({ id }: StackUpgrade, cause: unknown): Promise<void> {
    const { signal } = this.#stopping
    if (signal.aborted) return
    const error = asPaasError(cause)
    this.#own.log.warn({ upgrade: id, err: cause }, 'stack upgrade interrupted')
    if (!isPassing(error)) {
      return this.#own.store.stackUpgrades.setState(id, { kind: 'failed', reason: error.message })
    }
    this.#isAsked = true
    await delay(patience, undefined, { signal }).catch(() => undefined)
  }

  /** So that no push waits for images with the updates. */
  async #prepare(stack: string): Promise<void> {
    const { stacks, log } = this.#own
    await stacks(stack)
      .toolbox.prepare((line) => log.debug({ line }, 'preparing images'))
      .catch((error: unknown) => log.warn({ err: error }, 'images with updates are made when they are needed'))
  }

  #counts({ id }: StackUpgrade): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { state } of this.#own.store.stackUpgrades.find(id)?.moves ?? []) {
      counts[state.kind] = (counts[state.kind] ?? 0) + 1
    }
    return counts
  }
}
