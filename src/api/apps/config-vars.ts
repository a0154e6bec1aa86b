import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { Account } from '../../model/account.ts'
import type { App } from '../../model/app.ts'
import { checkConfigChange, checkConfigSize } from '../../model/config-rules.ts'
import { pageVars } from '../../model/own-page.ts'
import type { ConfigVars, Release } from '../../model/release.ts'
import { createConfigRelease } from '../../release/create.ts'
import { appOf } from '../http/access.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { sayWhoReleases } from '../../release/say-who.ts'
import { wake } from '../http/wake.ts'

type Deps = Pick<ApiDeps, 'store' | 'queue' | 'platformLog' | 'log'>

const configChange = Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()]))

export function configVarRoutes(api: Api, deps: Deps): void {
  const { store } = deps
  const config = { scope: 'protected', role: 'deploy' } as const

  api.get('/apps/:app/config-vars', { config }, (request) => store.configVars.get(appOf(store, request).id))

  api.patch('/apps/:app/config-vars', { config, schema: { body: configChange } }, async (request, reply) => {
    const app = appOf(store, request)
    const { config: result, release } = changeConfig(store, app, request.identity.account, request.body)
    if (release) {
      sayWhoReleases(deps.platformLog, release, request.identity.account.email)
      if (release.state.kind === 'pending' || namesPage(request.body))
        await wake(deps, reply, { kind: 'converge', appId: app.id })
    }
    return result
  })
}

/**
 * What changes nothing makes no release. Before the first deploy there is nothing to run, so the
 * release has succeeded at once.
 * @throws config_invalid
 */
function changeConfig(
  store: Deps['store'],
  app: App,
  account: Account,
  wanted: Record<string, string | null>,
): { config: ConfigVars; release: Release | undefined } {
  checkConfigChange(wanted)
  checkNotAttached(store, app, wanted)
  return store.transaction(() => {
    const before = store.configVars.get(app.id)
    const changed = Object.entries(wanted).filter(([key, value]) => (before[key] ?? null) !== value)
    if (changed.length === 0) return { config: before, release: undefined }
    checkConfigSize(withChange(before, wanted))
    const change = Object.fromEntries(changed)
    const { id, slugId } = createConfigRelease(store, app, { change, accountId: account.id })
    if (slugId === null) store.releases.setState(id, { kind: 'succeeded' })
    return { config: store.configVars.get(app.id), release: store.releases.find(id) }
  })
}

/** The worker fetches it, also for an app that has nothing to run. */
function namesPage(change: object): boolean {
  return Object.values(pageVars).some((name) => Object.hasOwn(change, name))
}

/** What an add-on gives changes with it alone. @throws config_invalid */
function checkNotAttached({ addonAttachments }: Deps['store'], app: App, wanted: Record<string, string | null>): void {
  const given = addonAttachments.configOf(app.id)
  const keys = Object.keys(wanted).filter((key) => Object.hasOwn(given, key) && wanted[key] !== given[key])
  if (keys.length === 0) return
  throw new PaasError(
    'config_invalid',
    `Cannot overwrite or unset ${keys.join(', ')}: an add-on of ${app.name} gives it.`,
    {
      hint: `See: addons -a ${app.name}. Detach it with: addons:detach NAME`,
    },
  )
}

function withChange(config: ConfigVars, change: Record<string, string | null>): ConfigVars {
  const all = Object.entries({ ...config, ...change })
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== null))
}
