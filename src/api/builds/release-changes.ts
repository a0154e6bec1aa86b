import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../../model/app.ts'
import { ownCommit } from '../../model/slug.ts'
import type { ConfigVars, Release } from '../../model/release.ts'
import { appOf } from '../http/access.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { releaseNamed } from './releases.ts'

type Deps = Pick<ApiDeps, 'store'>

const query = Type.Object({ since: Type.Optional(Type.String()) }, { additionalProperties: false })

/**
 * `GET /apps/:app/releases/:release/changes?since=v11`: in what a release differs from another one,
 * usually the one before it: its code, and the names of config vars, never a value. Heroku's API
 * has no such thing.
 */
export function releaseChangesRoute(api: Api, { store }: Deps): void {
  const options = { config: { scope: 'protected' }, schema: { querystring: query } } as const
  api.get('/apps/:app/releases/:release/changes', options, (request) => {
    const app = appOf(store, request)
    const release = releaseNamed(store, app, (request.params as { release: string }).release)
    const since = earlier(store, app, request, release)
    return {
      code: {
        from: commitOf(store, app, since),
        is_same: release.slugId === (since?.slugId ?? null),
        to: commitOf(store, app, release),
      },
      config: differences(since ? store.releases.config(since.id) : {}, store.releases.config(release.id)),
      release: { id: release.id, version: release.version },
      since: since ? { id: since.id, version: since.version } : null,
    }
  })
}

function earlier(store: Deps['store'], app: App, request: FastifyRequest, { version }: Release): Release | undefined {
  const { since } = request.query as { since?: string }
  if (since !== undefined) return releaseNamed(store, app, since)
  return store.releases.findIn(app.id, String(version - 1))
}

function commitOf({ slugs }: Deps['store'], app: App, release: Release | undefined): string | null {
  return (release?.slugId && ownCommit(slugs.find(release.slugId), app.id)) || null
}

function differences(before: ConfigVars, after: ConfigVars): object {
  const [old, present] = [Object.keys(before), Object.keys(after)]
  return {
    added: present.filter((key) => !Object.hasOwn(before, key)).toSorted(),
    changed: present.filter((key) => Object.hasOwn(before, key) && before[key] !== after[key]).toSorted(),
    removed: old.filter((key) => !Object.hasOwn(after, key)).toSorted(),
  }
}
