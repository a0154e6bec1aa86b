import type { Dyno } from '../engine/engine.ts'
import type { App } from '../model/app.ts'
import type { AppRoute, Target } from '../model/route.ts'

/**
 * Where an app's requests go.
 * @param ready its web dynos that answer
 * @param wantsWeb whether any web dyno should run
 */
export function routeFor(
  app: App,
  domain: string,
  { ready, wantsWeb }: { ready: Dyno[]; wantsWeb: boolean },
): AppRoute {
  const targets = app.maintenance ? [] : ready.flatMap(targetOf)
  return { appId: app.id, app: app.name, hosts: [`${app.name}.${domain}`], state: stateOf(), targets }

  function stateOf(): AppRoute['state'] {
    if (app.maintenance) return 'maintenance'
    if (targets.length > 0) return 'up'
    if (app.currentReleaseId === null) return 'blank'
    return wantsWeb ? 'crashed' : 'down'
  }
}

function targetOf({ id, name, release, address, port }: Dyno): Target[] {
  if (address === undefined || port === undefined) return []
  return [{ id, dyno: name, release, host: address, port }]
}
