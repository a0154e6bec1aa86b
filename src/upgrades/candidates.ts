import { runImageFor } from '../build/move-slug.ts'
import { stackNames } from '../build/stack/definition.ts'
import type { Toolbox } from '../build/toolbox.ts'
import type { Config } from '../config.ts'
import type { Engine, Image } from '../engine/engine.ts'
import type { AppId } from '../model/ids.ts'
import { newestGood } from '../model/pending-releases.ts'
import type { StackUpgrade } from '../model/stack-upgrade.ts'
import type { Store } from '../store/store.ts'

/** An app that may have to be moved: the image that it runs on. */
export type MoveCandidate = { appId: AppId; stack: string; image: Image }

type Used = {
  store: Pick<Store, 'apps' | 'releases' | 'slugs' | 'stackUpgrades'>
  engine: Pick<Engine, 'findImage'>
  config: Pick<Config, 'stacksDirectory'>
}

/**
 * The apps of an upgrade that have no release of it yet and can be moved; of the others it is put
 * on record why not.
 */
export async function findCandidates(used: Used, { id, moves }: StackUpgrade): Promise<MoveCandidate[]> {
  const candidates: MoveCandidate[] = []
  for (const { appId, state, releaseId } of moves) {
    if (state.kind !== 'pending' || releaseId !== null) continue
    const found = await candidateOf(used, appId)
    if (typeof found === 'string') used.store.stackUpgrades.setMove(id, appId, { kind: 'unmovable', reason: found })
    else candidates.push(found)
  }
  return candidates
}

/** Or why it cannot be moved. */
async function candidateOf({ store, engine, config }: Used, appId: AppId): Promise<MoveCandidate | string> {
  const app = store.apps.get(appId)
  const slugId = newestGood(store.releases.list(appId))?.slugId
  const slug = slugId ? store.slugs.find(slugId) : undefined
  if (!app || app.destroying || !slug) return 'it has no code'
  const image = await engine.findImage(slug.image)
  if (!image) return 'its image is gone; build it again'
  if (isOfDockerfile(image)) return 'its Dockerfile says what it runs on; build it again'
  if (stackNames(config.stacksDirectory).includes(slug.stack)) return { appId, stack: slug.stack, image }
  return `its stack ${slug.stack} is gone; build it on another`
}

function isOfDockerfile({ labels }: Image): boolean {
  return labels['paas.packs'] === 'dockerfile'
}

/** The images of their stack that they are put on now, each once. */
export async function targetsOf(
  toolbox: Pick<Toolbox, 'runImage' | 'uploadImage' | 'usersIn'>,
  candidates: MoveCandidate[],
  onProgress: (line: string) => void,
): Promise<Image[]> {
  const targets = new Map<string, Image>()
  for (const { image } of candidates) {
    const target = await runImageFor({ toolbox }, image, onProgress)
    if (target) targets.set(target.digest, target)
  }
  return [...targets.values()]
}
