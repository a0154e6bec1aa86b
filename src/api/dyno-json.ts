import type { Dyno } from '../engine/engine.ts'
import type { App } from '../model/app.ts'
import type { Store } from '../store/store.ts'
import { commandsOf } from './commands.ts'
import { sizeName, time, uuidOf } from './shapes.ts'

export function dynoJson(store: Store, app: App, dyno: Dyno): object {
  const release = store.releases.findIn(app.id, String(dyno.release))
  return {
    app: { id: app.id, name: app.name },
    attach_url: null,
    command: commandsOf(store, release?.id ?? null)[dyno.type] ?? '',
    created_at: time(dyno.createdAt),
    id: dynoId(dyno),
    name: dyno.name,
    release: { id: release?.id ?? uuidOf(`release ${dyno.release} of ${app.id}`), version: dyno.release },
    size: sizeName(dyno.size),
    state: stateOf(store, app, dyno),
    type: dyno.type,
    updated_at: time(dyno.state.kind === 'created' ? dyno.createdAt : dyno.state.since),
  }
}

/** What the API calls a dyno; `HEROKU_DYNO_ID` inside it. */
export function dynoId({ uuid, id }: Dyno): string {
  return uuid ?? uuidOf(id)
}

/** Types whose dynos run once, beside the formation. */
const oneOff = new Set(['run', 'release'])

/** Heroku's states. While a release is being swapped in, the dynos that come are `starting` and those that go `stopping`. */
function stateOf({ releases }: Store, app: App, { type, release, state }: Dyno): string {
  const current = app.currentReleaseId ? (releases.find(app.currentReleaseId)?.version ?? 0) : 0
  if (release < current && !oneOff.has(type)) return 'stopping'
  switch (state.kind) {
    case 'created':
      return 'starting'
    case 'running':
      return release > current && !oneOff.has(type) ? 'starting' : 'up'
    case 'restarting':
      return 'crashed'
    case 'exited':
      return state.exit.code === 0 ? 'down' : 'crashed'
  }
}
