import type { App } from '../../model/app.ts'
import type { Formation } from '../../model/formation.ts'
import type { Release } from '../../model/release.ts'
import type { Store } from '../../store/store.ts'
import { missingJson, type PresentDyno } from './dyno-json.ts'
import type { DynoCondition, Reason } from './dyno-state.ts'
import { uuidOf } from '../http/shapes.ts'

/**
 * The dynos of the formation that have no container though they should: those that were asked for a
 * moment ago, those that could not be started, and all of them while nobody can see them.
 * @param present the names of those that have one
 * @param unseen why nobody can
 */
export function missingDynos(
  store: Store,
  app: App,
  { present, unseen }: { present: ReadonlySet<string>; unseen: Reason | undefined },
): PresentDyno[] {
  const release = app.currentReleaseId ? store.releases.find(app.currentReleaseId) : undefined
  if (!release) return []
  const known = store.dynoStates.list(app.id)
  return store.formations.list(app.id).flatMap((formation) =>
    Array.from({ length: formation.quantity }, (_, index) => `${formation.type}.${index + 1}`)
      .filter((name) => !present.has(name))
      .map((name) => {
        const last = known.find((dyno) => dyno.name === name)
        const id = last?.uuid ?? uuidOf(`dyno ${name} of ${app.id}`)
        const asked = notStarted({ release, formation })
        const condition = unseen ? down(last?.since ?? asked.since, unseen) : asked
        return { id, name, json: () => missingJson(store, app, { id, name, formation, release, condition }) }
      }),
  )
}

type Asked = { release: Release; formation: Formation }

/** Since it should run. */
function notStarted({ release, formation }: Asked): DynoCondition {
  const since = new Date(Math.max(release.updatedAt.getTime(), formation.updatedAt.getTime()))
  return down(since, { id: 'not_started', message: 'is not started yet' })
}

function down(since: Date, reason: Reason): DynoCondition {
  return { state: 'down', since, reason, exitStatus: null, nextStart: null }
}
