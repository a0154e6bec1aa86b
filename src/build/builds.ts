import { AppLock } from '../app-lock.ts'
import { isFinished, type Build } from '../model/build.ts'
import type { AppId, BuildId } from '../model/ids.ts'
import { shutdown } from '../model/stop-reasons.ts'
import { attempt } from './attempt.ts'
import { endOutputs, watchForCancel } from './cancel.ts'
import { memoryRoom } from './memory-room.ts'
import type { BuildParts } from './parts.ts'
import { packNamed, packTitled } from './packs.ts'
import type { BuildLimits } from './sandbox-limits.ts'
import type { SandboxForm, SandboxKind } from './sandboxes.ts'
import { BuildSlots } from './slots.ts'
import { toolchainsOf } from './toolchains.ts'
import { letGo } from './verdict.ts'
import { Waiting } from './waiting.ts'

/** How a build is told to end, and how the worker says that it stops. */
export type Stops = { stop: AbortController; closing: AbortSignal }

/** What an app that was built by one of these is expected to need. */
/**
 * The builds of all apps. `run` takes one from its commit, or its tarball, to a verdict: the source
 * is taken, the pipeline makes a slug of it, `Releases` releases the slug, the ref is moved. Builds
 * of one app run one at a time, in the order they came.
 */
export class Builds {
  readonly #parts: BuildParts
  readonly #turns = new AppLock()
  readonly #slots: BuildSlots

  /** @param given.limits of one build, and how many of all apps compile at once */
  constructor({ limits, ...parts }: BuildParts & { limits: BuildLimits & { concurrency: number } }) {
    this.#parts = parts
    const { engine } = parts
    this.#slots = new BuildSlots({ count: limits.concurrency, shortage: memoryRoom({ engine, build: limits }) })
  }

  /**
   * Runs a build until its release serves. Every build gets a verdict; only a server that stops
   * leaves it to the next one. Finished builds are ignored.
   */
  async run(buildId: BuildId, stops: Stops): Promise<void> {
    const { store } = this.#parts
    const queued = store.builds.find(buildId)
    if (!queued) return
    await this.endOutputs(queued.appId)
    await using waiting = new Waiting(this.#parts, queued)
    if (this.#turns.isHeld(queued.appId)) waiting.tell('Waiting for the earlier build of this app to end')
    await this.#turns.run(queued.appId, async () => {
      const freeSlot = await this.#takeSlot(queued, stops.stop, waiting.tell)
      await waiting.end()
      try {
        if (stops.stop.signal.reason === shutdown) return
        const build = store.builds.claim(buildId)
        if (build) await this.#attempt(build, { ...stops, freeSlot })
        else await this.#endOvertaken(queued)
      } finally {
        freeSlot()
      }
    })
  }

  /**
   * A build of the app is about to come: what it is built in is made ready. An app mostly stays
   * what it is.
   */
  expect = (appId: AppId): void => {
    const form = this.#nextForm(appId)
    if (form) this.#parts.sandboxes.prepare(appId, form)
  }

  /**
   * Ends the outputs of builds that were superseded or cancelled before they ran: nobody else ends
   * what their readers wait for.
   */
  async endOutputs(appId: AppId): Promise<void> {
    await endOutputs(this.#parts, appId)
  }

  /** Does `work` while nothing of the app is built. */
  async exclude(appId: AppId, work: () => Promise<void>): Promise<void> {
    await this.#turns.run(appId, work)
  }

  /** Does `work` when the app has no sandbox any more, and gets none meanwhile. */
  async withoutSandbox(appId: AppId, work: () => Promise<void>): Promise<void> {
    await this.#parts.sandboxes.without(appId, work)
  }

  async #attempt(build: Build, hold: Parameters<typeof attempt>[2]): Promise<void> {
    const { sandboxes } = this.#parts
    sandboxes.begin(build.appId)
    try {
      await attempt(this.#parts, build, hold)
    } finally {
      sandboxes.over(build.appId, this.#nextForm(build.appId))
    }
  }

  /** Undefined: the app is gone, or goes. */
  #nextForm(appId: AppId): SandboxForm | undefined {
    const { store } = this.#parts
    const app = store.apps.get(appId)
    if (!app || app.destroying) return undefined
    const slugId = app.currentReleaseId && store.releases.find(app.currentReleaseId)?.slugId
    const buildpack = (slugId && store.slugs.find(slugId)?.buildpack) || ''
    const kind = likelyKind(buildpack, store.buildpacks.list(appId))
    return { kind, toolchains: toolchainsOf(buildpack), stack: app.stack }
  }

  async #takeSlot(queued: Build, stop: AbortController, tell: Waiting['tell']): Promise<() => void> {
    using _ = watchForCancel(this.#parts, queued, stop)
    return await this.#slots.take(queued, stop.signal, tell)
  }

  /** While this build waited for its turn, it was superseded or cancelled. */
  async #endOvertaken(queued: Build): Promise<void> {
    if (isFinished(queued.state)) return
    await this.endOutputs(queued.appId)
    if (queued.releaseId) await this.#parts.outputs.closeBegun(queued.releaseId)
    await letGo(this.#parts, queued)
  }
}

/**
 * What the pipeline will want, as far as that is known before the source is.
 * @param buildpack what built the app last, '' for none
 * @param asked the buildpacks that its user set
 */
function likelyKind(buildpack: string, asked: string[]): SandboxKind {
  if (buildpack === 'Dockerfile') return 'dockerfile'
  const titles = buildpack === '' ? [] : buildpack.split(', ')
  const isOurs = [...asked.map(packNamed), ...titles.map(packTitled)].every((pack) => pack !== undefined)
  return isOurs && asked.length <= 1 ? 'tree' : 'packs'
}
