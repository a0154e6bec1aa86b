import { randomUUID } from 'node:crypto'
import { PaasError } from '../errors.ts'
import type { AppManifest } from '../model/app-json.ts'
import type { App } from '../model/app.ts'
import { webPort } from '../model/dyno.ts'
import { formationFor, limitsOf, scalableTypes, type DynoSize, type DynoSizes } from '../model/formation.ts'
import type { ConfigVars, Release } from '../model/release.ts'
import type { Slug } from '../model/slug.ts'
import { isAlone } from '../model/volume.ts'
import type { DynoSpec } from '../engine/engine.ts'
import type { Store } from '../store/store.ts'

/** A release with all that running it takes. */
export type Deployable = { app: App; release: Release; slug: Slug; config: ConfigVars }

/**
 * One dyno that should run: `web.1`. `uuid` is what the API calls it, if it has to be a certain
 * one.
 */
export type WantedDyno = { name: string; type: string; size: DynoSize; uuid?: string }

export function loadDeployable(store: Pick<Store, 'slugs' | 'releases'>, app: App, release: Release): Deployable {
  const slug = release.slugId === null ? undefined : store.slugs.find(release.slugId)
  if (!slug) throw new PaasError('internal', `v${release.version} of ${app.name} has no slug to run.`)
  return { app, release, slug, config: store.releases.config(release.id) }
}

/** The dynos a release should have, by the app's formation as it is now. */
export function wantedDynos(store: Pick<Store, 'formations' | 'volumes'>, deployable: Deployable): WantedDyno[] {
  const { app, slug } = deployable
  const present = store.formations.list(app.id)
  const shares = formationFor(present, Object.keys(slug.processTypes), askedAtFirst(deployable))
  const volumes = store.volumes.list(app.id)
  const most = (type: string): number => (isAlone(volumes, type) ? 1 : Infinity)
  return shares.flatMap(({ type, quantity, size }) =>
    Array.from({ length: Math.min(quantity, most(type)) }, (_, index) => ({
      name: `${type}.${index + 1}`,
      type,
      size,
    })),
  )
}

/** The formation that app.json asks for, which counts at the first deploy only. */
export function askedAtFirst({ app, slug }: Deployable): AppManifest['formation'] | undefined {
  return app.currentReleaseId === null ? (slug.appJson?.formation ?? {}) : undefined
}

/** The process types of a slug that can be scaled. */
export function typesOf(slug: Slug): string[] {
  return scalableTypes(Object.keys(slug.processTypes))
}

/**
 * @param restart false for one that runs once
 * @param domain what the app's own host name ends in; a one-off, which nobody asks whether it is
 *   ready, does without
 */
export function dynoSpec(
  deployable: Deployable,
  dyno: WantedDyno,
  { restart, domain, sizes }: { restart: boolean; domain?: string; sizes: DynoSizes },
): DynoSpec {
  const { app, release, slug, config } = deployable
  const { uuid = randomUUID() } = dyno
  const host = dyno.type === 'web' && domain ? `${app.name}.${domain}` : undefined
  const path = slug.appJson?.healthcheck
  return {
    appId: app.id,
    app: app.name,
    name: dyno.name,
    type: dyno.type,
    release: release.version,
    image: slug.image,
    command: slug.processTypes[dyno.type] ?? null,
    uuid,
    env: {
      ...config,
      DYNO: dyno.name,
      ...(dyno.type === 'web' && { PORT: String(webPort) }),
      // For frameworks that refuse WebSockets from a page of another host.
      ...(host && { PAAS_APP_HOST: host }),
      ...(app.features.includes('runtime-dyno-metadata') && metadata(deployable, uuid)),
    },
    size: dyno.size,
    limits: limitsOf(sizes, dyno.size),
    restart,
    ...(host && { host }),
    ...(host && path ? { healthcheck: `http://${host}${path}` } : {}),
  }
}

/** Heroku's names; config vars cannot have them. */
function metadata({ app, release, slug }: Deployable, uuid: string): Record<string, string> {
  return {
    HEROKU_APP_ID: app.id,
    HEROKU_APP_NAME: app.name,
    HEROKU_RELEASE_VERSION: `v${release.version}`,
    HEROKU_RELEASE_CREATED_AT: release.createdAt.toISOString(),
    ...(slug.commit !== null && { HEROKU_SLUG_COMMIT: slug.commit }),
    HEROKU_DYNO_ID: uuid,
  }
}
