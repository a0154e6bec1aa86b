import type { Dyno } from '../../containers/containers.ts'
import { asPaasError, PaasError } from '../../errors.ts'
import type { App } from '../../model/app.ts'
import { isOneOff } from '../../model/dyno.ts'
import { isExpired } from '../../model/one-off.ts'
import type { ApiDeps } from '../deps.ts'
import { dynoId, dynoJson, waitingJson, type PresentDyno } from './dyno-json.ts'
import { awayReason, conditionOf, type Reason } from './dyno-state.ts'
import { missingDynos } from './missing-dynos.ts'

type Deps = Pick<ApiDeps, 'store' | 'containers' | 'config'>

/**
 * What runs, asked of the worker; of the formation what does not run and should; and the one-offs
 * that were asked for and are not there yet. While worker or engine are away, none runs as far as
 * can be seen.
 */
export async function presentDynos(deps: Deps, app: App): Promise<PresentDyno[]> {
  const { store } = deps
  const { dynos, unseen } = await seenDynos(deps, app)
  const oneOffs = store.oneOffs.list(app.id).filter((oneOff) => !isExpired(oneOff))
  const waiting = oneOffs.filter((one) => one.dyno === null && !dynos.some((dyno) => dyno.name === one.name))
  const names = new Set(dynos.filter((dyno) => !isOneOff(dyno)).map(({ name }) => name))
  return [
    ...presentations(deps, app, dynos),
    ...missingDynos(store, app, { present: names, unseen }),
    ...waiting.map((oneOff) => ({ id: oneOff.id, name: oneOff.name, json: () => waitingJson(store, app, oneOff) })),
  ]
}

/** By its name or its id. @throws not_found */
export async function dynoNamed(deps: Deps, app: App, nameOrId: string): Promise<PresentDyno> {
  const dynos = await presentDynos(deps, app)
  const found = dynos.find(({ id, name }) => name === nameOrId || id === nameOrId)
  if (found) return found
  throw new PaasError('not_found', `${app.name} has no dyno ${JSON.stringify(nameOrId)}.`, {
    hint: `See them with: paas ps -a ${app.name}`,
  })
}

/** `unseen` says why none can be seen. */
async function seenDynos({ containers }: Deps, app: App): Promise<{ dynos: Dyno[]; unseen?: Reason }> {
  try {
    return { dynos: await containers.listDynos({ appId: app.id }) }
  } catch (cause) {
    const unseen = awayReason(asPaasError(cause))
    if (!unseen) throw cause
    return { dynos: [], unseen }
  }
}

function presentations({ store, config }: Deps, app: App, dynos: Dyno[]): PresentDyno[] {
  const current = app.currentReleaseId ? (store.releases.find(app.currentReleaseId)?.version ?? 0) : 0
  return dynos.map((dyno) => {
    const oneOff = store.oneOffs.findByName(app.id, dyno.name)
    const seen = store.dynoStates.find(dyno.id)
    const condition = conditionOf(dyno, { current, seen, sizes: config.dynoSizes })
    const json = () => dynoJson(store, app, { dyno, condition, oneOff })
    return { id: oneOff?.id ?? dynoId(dyno), name: dyno.name, json }
  })
}
