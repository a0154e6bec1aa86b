import { setTimeout as delay } from 'node:timers/promises'
import { moveSlug, runImageFor } from '../build/move-slug.ts'
import { asPaasError, isPassing } from '../errors.ts'
import type { AppId, ReleaseId } from '../model/ids.ts'
import type { StackMoveState, StackUpgrade } from '../model/stack-upgrade.ts'
import type { UpgradesOptions } from './parts.ts'

/** Milliseconds between looks at a release that waits for a build of the app. */
const lookEvery = 500

type Used = Pick<UpgradesOptions, 'engine' | 'log' | 'releases' | 'stacks' | 'store'>
type Asked = { upgrade: StackUpgrade; appId: AppId; releaseId: ReleaseId | null }

/**
 * Releases an app on the run image that is up to date, as any release is made: its dynos are ready
 * before they serve, and what served goes on serving when they are not. The end is on record.
 * @param releaseId of the release that an earlier worker made
 * @throws what passes, and the signal's reason; then the move is still to be done
 */
export async function moveApp(used: Used, asked: Asked, signal: AbortSignal): Promise<void> {
  const { store, log } = used
  const { upgrade, appId } = asked
  let state: StackMoveState
  try {
    const releaseId = asked.releaseId ?? (await release(used, asked, signal))
    state = releaseId
      ? await verdict(used, { appId, releaseId }, signal)
      : { kind: 'unmovable', reason: 'it has no code' }
  } catch (cause) {
    signal.throwIfAborted()
    const error = asPaasError(cause)
    if (isPassing(error)) throw error
    state = { kind: 'failed', reason: error.message }
  }
  store.stackUpgrades.setMove(upgrade.id, appId, state)
  const about = { app: appId, upgrade: upgrade.id, state: state.kind }
  if (state.kind === 'failed') log.warn({ ...about, reason: state.reason }, 'app not moved')
  else log.info(about, 'app moved')
}

/** undefined: it has nothing any more that could be moved. */
async function release(used: Used, { upgrade, appId }: Asked, signal: AbortSignal): Promise<ReleaseId | undefined> {
  const { engine, releases, stacks, store } = used
  const made = await releases.moveSlug(appId, {
    move: async (app, slug) => {
      const { toolbox } = stacks(slug.stack)
      const image = await engine.findImage(slug.image)
      const base = image && (await runImageFor({ toolbox }, image))
      if (!image || !base) return undefined
      const moved = await moveSlug({ engine, toolbox }, { slug, image, base, appId }, signal)
      return { slug: moved, accountId: upgrade.accountId ?? app.ownerId }
    },
    record: ({ id }) => store.stackUpgrades.recordRelease(upgrade.id, appId, id),
  })
  return made?.id
}

async function verdict(
  { releases, store }: Pick<Used, 'releases' | 'store'>,
  { appId, releaseId }: { appId: AppId; releaseId: ReleaseId },
  signal: AbortSignal,
): Promise<StackMoveState> {
  for (;;) {
    const { state } = store.releases.find(releaseId) ?? { state: { kind: 'failed', reason: 'the app is gone' } }
    if (state.kind === 'succeeded' || state.kind === 'superseded') return { kind: 'moved' }
    if (state.kind === 'failed') return { kind: 'failed', reason: state.reason }
    await releases.releaseNext(appId, signal)
    if (store.releases.find(releaseId)?.state.kind === 'pending') await delay(lookEvery, undefined, { signal })
  }
}
