import { minuteOf } from '../model/figures.ts'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { Engine } from '../engine/engine.ts'
import { label } from '../engine/labels.ts'
import type { Logger } from '../log.ts'
import type { App } from '../model/app.ts'
import type { AppId, BuildId, ReleaseId } from '../model/ids.ts'
import { newestTrees } from '../build/trees.ts'
import { sweepSources } from './sweep-sources.ts'
import { removeOutput } from '../output/files.ts'
import { tidyFigures } from '../metrics/tidy-figures.ts'
import type { Store } from '../store/store.ts'

type Used = {
  engine: Pick<Engine, 'listImages' | 'listDynos' | 'removeImage'>
  store: Store
  paths: Pick<Config['paths'], 'builds' | 'sources' | 'metrics'>
  log: Logger
}

/** What is kept, per app. */
export type Keep = {
  /** The images of so many releases to roll back to. */
  releases: number
  /** The images of so many slugs that were uploaded, released or not. */
  uploads: number
  /** The output of so many builds. */
  outputs: number
  /**
   * Milliseconds for which an image stays in any case: a build may have made it a moment ago and
   * not recorded it yet.
   */
  imageLife: number
  /** Milliseconds for which an end mark stays behind its output, for those who still read it. */
  endMarkLife: number
}

export const usualKeep: Keep = {
  releases: 5,
  uploads: 5,
  outputs: 50,
  imageLife: 3600 * 1000,
  endMarkLife: 24 * 3600 * 1000,
}

/**
 * Removes what nobody can come back to any more: images, build outputs, figures. Touches only what
 * this server made.
 */
export async function sweep(used: Used, keep: Keep = usualKeep): Promise<void> {
  await sweepImages(used, keep)
  for (const app of used.store.apps.listAll()) await sweepOutputs(used, app, keep)
  await sweepEndMarks(used, keep)
  await sweepSources({ store: used.store, directory: used.paths.sources })
  const exists = (appId: AppId): boolean => used.store.apps.get(appId) !== undefined
  await tidyFigures(used.paths.metrics, { exists, now: minuteOf(Date.now()), log: used.log })
}

/**
 * An image stays while a dyno runs it, it may still be released, or its release can be rolled back
 * to, in whatever app: a slug may have been released in another one than its own.
 */
async function sweepImages({ engine, store, log }: Used, keep: Keep): Promise<void> {
  const images = await engine.listImages()
  const needed = new Set([
    ...store.apps.listAll().flatMap((app) => neededImages(store, app, keep)),
    ...(await engine.listDynos()).map((dyno) => dyno.image),
    ...newestTrees(images),
  ])
  const old = images.filter(({ createdAt }) => Date.now() - createdAt.getTime() > keep.imageLife)
  for (const { digest, labels } of old.filter((image) => !needed.has(image.digest))) {
    await engine.removeImage(digest)
    log.info({ app: labels[label.app], image: digest }, 'image removed')
  }
}

function neededImages(store: Store, app: App, keep: Keep): string[] {
  const releases = store.releases.list(app.id).filter(({ slugId, state }) => slugId !== null && state.kind !== 'failed')
  const latest = [...new Set(releases.map(({ slugId }) => slugId))].slice(0, keep.releases)
  const current = releases.find(({ id }) => id === app.currentReleaseId)?.slugId
  const building = store.builds.listUnfinished(app.id).map(({ slugId }) => slugId)
  const uploaded = store.slugs.list(app.id).filter(({ buildId }) => buildId === null)
  const uploads = uploaded.slice(0, keep.uploads).map(({ id }) => id)
  return [...latest, current, ...building, ...uploads].flatMap((id) => (id ? (store.slugs.find(id)?.image ?? []) : []))
}

async function sweepOutputs({ store, paths }: Used, app: App, keep: Keep): Promise<void> {
  const old = store.builds.list(app.id).slice(keep.outputs)
  const oldReleases = store.releases.list(app.id).slice(keep.outputs)
  for (const { id } of [...old, ...oldReleases]) await removeOutput(paths.builds, id, { keepEnd: true })
}

async function sweepEndMarks({ store, paths }: Used, keep: Keep): Promise<void> {
  for (const file of await readdir(paths.builds)) {
    const id = file.replace(/\.(end|log)$/, '')
    if (store.builds.find(id as BuildId) || store.releases.find(id as ReleaseId)) continue
    const { mtimeMs } = await stat(join(paths.builds, file))
    if (Date.now() - mtimeMs > keep.endMarkLife) await removeOutput(paths.builds, id as BuildId, { keepEnd: false })
  }
}
