import type { Dyno } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { App } from '../model/app.ts'
import { isExpired, type OneOff } from '../model/one-off.ts'
import type { ApiDeps } from './deps.ts'
import { dynoId, dynoJson, waitingJson } from './dyno-json.ts'

type Deps = Pick<ApiDeps, 'store' | 'engine'>

/** A dyno as the API shows it. */
export type PresentDyno = { id: string; name: string; json: () => object }

/** What runs, asked of the engine, and the one-offs that were asked for and are not there yet. */
export async function presentDynos({ store, engine }: Deps, app: App): Promise<PresentDyno[]> {
  const dynos = await engine.listDynos({ appId: app.id })
  const oneOffs = store.oneOffs.list(app.id).filter((oneOff) => !isExpired(oneOff))
  const waiting = oneOffs.filter(({ name }) => !dynos.some((dyno) => dyno.name === name))
  return [
    ...dynos.map((dyno) =>
      present(
        store,
        app,
        dyno,
        oneOffs.find(({ name }) => name === dyno.name),
      ),
    ),
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

function present(store: Deps['store'], app: App, dyno: Dyno, oneOff: OneOff | undefined): PresentDyno {
  return { id: oneOff?.id ?? dynoId(dyno), name: dyno.name, json: () => dynoJson(store, app, dyno, oneOff) }
}
