import { PaasError } from '../errors.ts'
import type { App } from '../model/app.ts'
import { buildVersion, type Build } from '../model/build.ts'
import type { AccountId } from '../model/ids.ts'
import { newestGood } from '../model/pending-releases.ts'
import type { Release } from '../model/release.ts'
import { slugVersion, type Slug } from '../model/slug.ts'
import type { Store } from '../store/store.ts'

/** The release of a build whose slug is made: that slug with the config vars as they are now. */
export function createBuildRelease(
  store: Pick<Store, 'transaction' | 'releases' | 'configVars' | 'builds'>,
  build: Build,
  slug: Slug,
): Release {
  return store.transaction(() => {
    const { id, appId, accountId, generation } = build
    const release = store.releases.create({
      appId,
      accountId,
      slugId: slug.id,
      description: `Deploy ${buildVersion(build)}`,
      bringsCode: true,
      config: store.configVars.get(appId),
    })
    if (store.builds.recordRelease(id, generation, release.id)) return release
    throw new PaasError('internal', `Another attempt has taken over the build ${id}.`)
  })
}

/**
 * The release of a slug that is there already, with the config vars as they are now. The caller
 * wakes the worker (`converge`).
 */
export function createSlugRelease(
  store: Pick<Store, 'transaction' | 'releases' | 'configVars'>,
  app: Pick<App, 'id'>,
  { slug, description, accountId }: { slug: Slug; description?: string | undefined; accountId: AccountId },
): Release {
  return store.transaction(() =>
    store.releases.create({
      appId: app.id,
      accountId,
      slugId: slug.id,
      description: description ?? `Deploy ${slugVersion(slug)}`,
      bringsCode: true,
      config: store.configVars.get(app.id),
    }),
  )
}

/**
 * The release of a slug that was moved to another run image, with the config vars as they are now.
 * It records the slug.
 */
export function createStackRelease(
  store: Pick<Store, 'transaction' | 'releases' | 'configVars' | 'slugs'>,
  app: Pick<App, 'id'>,
  { slug, accountId }: { slug: Slug; accountId: AccountId },
): Release {
  return store.transaction(() => {
    store.slugs.add(slug)
    const description = `Upgrade stack to ${slug.stack}`
    return createSlugRelease(store, app, { slug, description, accountId })
  })
}

/**
 * Changes config vars and makes the release that carries them, in one transaction; null unsets a
 * key. It takes the code of the newest release that did not fail, so that what is accepted last
 * contains what was accepted before. The caller wakes the worker (`converge`).
 */
export function createConfigRelease(
  store: Pick<Store, 'transaction' | 'releases' | 'configVars'>,
  app: Pick<App, 'id'>,
  {
    change,
    accountId,
    description = describeChange(change),
  }: { change: Record<string, string | null>; accountId: AccountId; description?: string },
): Release {
  return store.transaction(() => {
    const config = store.configVars.update(app.id, change)
    const newest = newestGood(store.releases.list(app.id))
    return store.releases.create({
      appId: app.id,
      accountId,
      slugId: newest?.slugId ?? null,
      description,
      config,
    })
  })
}

/**
 * The release with which dynos get a volume, or lose it: code and config vars are those of before.
 * The caller wakes the worker (`converge`).
 */
export function createVolumeRelease(
  store: Pick<Store, 'transaction' | 'releases' | 'configVars'>,
  app: Pick<App, 'id'>,
  { description, accountId }: { description: string; accountId: AccountId },
): Release {
  return store.transaction(() => {
    const slugId = newestGood(store.releases.list(app.id))?.slugId ?? null
    return store.releases.create({
      appId: app.id,
      accountId,
      slugId,
      description,
      config: store.configVars.get(app.id),
    })
  })
}

/**
 * The release that an add-on's config vars come or go with, or change. Before the first deploy
 * there is nothing to run, so it has succeeded at once; else the caller wakes the worker
 * (`converge`).
 * @param overwritten config vars that give way to those of the add-on
 */
export function createAddonRelease(
  store: Pick<Store, 'transaction' | 'releases' | 'configVars'>,
  app: Pick<App, 'id' | 'ownerId'>,
  {
    description,
    accountId,
    overwritten = [],
  }: { description: string; accountId: AccountId | null; overwritten?: string[] },
): Release {
  const change = Object.fromEntries(overwritten.map((key) => [key, null]))
  return store.transaction(() => {
    const release = createConfigRelease(store, app, { change, accountId: accountId ?? app.ownerId, description })
    if (release.slugId !== null) return release
    store.releases.setState(release.id, { kind: 'succeeded' })
    return store.releases.find(release.id) ?? release
  })
}

/** Heroku's texts: `Set A, B config vars`, `Remove A config vars`. */
function describeChange(change: Record<string, string | null>): string {
  const keys = (wanted: (value: string | null) => boolean) =>
    Object.keys(change).filter((key) => wanted(change[key] ?? null))
  const set = keys((value) => value !== null)
  const removed = keys((value) => value === null)
  const parts = [
    ...(set.length > 0 ? [`Set ${set.join(', ')}`] : []),
    ...(removed.length > 0 ? [`Remove ${removed.join(', ')}`] : []),
  ]
  return `${parts.join(', ')} config vars`
}
