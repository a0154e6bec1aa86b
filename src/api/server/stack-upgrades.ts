import { PaasError } from '../../errors.ts'
import type { StackUpgradeId } from '../../model/ids.ts'
import type { StackMove, StackUpgrade } from '../../model/stack-upgrade.ts'
import { askUpgrade } from '../../upgrades/ask.ts'
import { userJson } from '../apps/app-json.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { appOf, requireAdmin } from '../http/access.ts'
import { time } from '../http/shapes.ts'
import { wake } from '../http/wake.ts'

type Deps = Pick<ApiDeps, 'store' | 'queue' | 'log'>

/** Moves apps to run images with Debian's updates. Heroku does so by itself. */
export function stackUpgradeRoutes(api: Api, deps: Deps): void {
  const { store } = deps

  api.post('/stack-upgrades', { config: { scope: 'global' } }, async (request, reply) => {
    requireAdmin(request)
    const upgrade = askUpgrade(store, { apps: store.apps.list(), accountId: request.identity.account.id })
    await wake(deps, reply, { kind: 'upgrade' })
    reply.code(201)
    return upgradeJson(deps, upgrade)
  })

  api.post('/apps/:app/stack-upgrades', async (request, reply) => {
    const app = appOf(store, request)
    const upgrade = askUpgrade(store, { apps: [app], accountId: request.identity.account.id })
    if (upgrade.moves.length === 0) throw new PaasError('app_not_deployed', `${app.name} has no code to move.`)
    await wake(deps, reply, { kind: 'upgrade' })
    reply.code(201)
    return upgradeJson(deps, upgrade)
  })

  api.get<{ Params: { upgrade: StackUpgradeId } }>('/stack-upgrades/:upgrade', (request) => {
    const upgrade = store.stackUpgrades.find(request.params.upgrade)
    const { account } = request.identity
    if (upgrade && (account.admin || maySee(deps, upgrade, account))) return upgradeJson(deps, upgrade)
    throw new PaasError('not_found', `There is no stack upgrade ${JSON.stringify(request.params.upgrade)}.`)
  })
}

/** Whoever may see all of its apps. */
function maySee(
  { store }: Pick<Deps, 'store'>,
  { moves }: StackUpgrade,
  account: Parameters<Deps['store']['collaborators']['roleOf']>[0],
): boolean {
  const apps = moves.map(({ appId }) => store.apps.get(appId))
  return apps.length > 0 && apps.every((app) => app && store.collaborators.roleOf(account, app))
}

function upgradeJson({ store }: Pick<Deps, 'store'>, { id, accountId, state, moves, ...times }: StackUpgrade): object {
  return {
    id,
    state: state.kind,
    progress: state.kind === 'running' ? state.progress : null,
    reason: state.kind === 'failed' ? state.reason : null,
    apps: moves.map((move) => moveJson(store, move)),
    user: accountId && userJson(store, accountId),
    created_at: time(times.createdAt),
    updated_at: time(times.updatedAt),
  }
}

function moveJson(store: Deps['store'], { appId, releaseId, state }: StackMove): object {
  const release = releaseId ? store.releases.find(releaseId) : undefined
  return {
    app: { id: appId, name: store.apps.get(appId)?.name ?? '' },
    state: state.kind,
    reason: 'reason' in state ? state.reason : null,
    release: release ? { id: release.id, version: release.version } : null,
  }
}
