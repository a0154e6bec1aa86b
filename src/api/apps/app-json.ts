import { appUrl, type App } from '../../model/app.ts'
import type { Account } from '../../model/account.ts'
import type { Store } from '../../store/store.ts'
import type { ApiDeps } from '../deps.ts'
import { named, time } from '../http/shapes.ts'
import { gitUrl } from '../http/urls.ts'
import { isManaged } from '../routing/managed-json.ts'
import { region } from './place.ts'

export function appJson({ store, config }: Pick<ApiDeps, 'store' | 'config'>, app: App): object {
  const release = app.currentReleaseId ? store.releases.find(app.currentReleaseId) : undefined
  const slug = release?.slugId ? store.slugs.find(release.slugId) : undefined
  return {
    acm: isManaged(config, app),
    archived_at: null,
    build_stack: named('stack', app.stack),
    buildpack_provided_description: slug?.buildpack ?? null,
    created_at: time(app.createdAt),
    generation: named('generation', 'cedar'),
    git_url: gitUrl(config, app.name),
    id: app.id,
    internal_routing: false,
    maintenance: app.maintenance,
    name: app.name,
    organization: null,
    owner: userJson(store, app.ownerId),
    region,
    released_at: release ? time(release.createdAt) : null,
    repo_size: null,
    slug_size: slug?.size ?? null,
    space: null,
    stack: named('stack', slug?.stack ?? app.stack),
    team: null,
    updated_at: time(app.updatedAt),
    web_url: `${appUrl(config.publicUrl, app.name)}/`,
  }
}

export function userJson({ accounts }: Pick<Store, 'accounts'>, id: Account['id']): { id: string; email: string } {
  return { id, email: accounts.emailOf(id) }
}
