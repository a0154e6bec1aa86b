import type { Dyno } from '../engine/engine.ts'
import type { App } from '../model/app.ts'
import { isOneOff } from '../model/dyno.ts'
import type { OneOff } from '../model/one-off.ts'
import type { Store } from '../store/store.ts'
import { commandsOf } from './commands.ts'
import { sizeName, time, uuidOf } from './shapes.ts'

/** @param oneOff its record, for a dyno that has one */
export function dynoJson(store: Store, app: App, dyno: Dyno, oneOff?: OneOff): object {
  const release = store.releases.findIn(app.id, String(dyno.release))
  return {
    app: { id: app.id, name: app.name },
    attach_url: null,
    command: oneOff?.command ?? commandsOf(store, release?.id ?? null)[dyno.type] ?? '',
    created_at: time(oneOff?.createdAt ?? dyno.createdAt),
    id: oneOff?.id ?? dynoId(dyno),
    name: dyno.name,
    release: { id: release?.id ?? uuidOf(`release ${dyno.release} of ${app.id}`), version: dyno.release },
    size: sizeName(dyno.size),
    state: stateOf(store, app, dyno),
    type: dyno.type,
    updated_at: time(dyno.state.kind === 'created' ? dyno.createdAt : dyno.state.since),
  }
}

/** One that was asked for and has no container yet. @param attachUrl where its client finds it: given to whoever asked for it only */
export function waitingJson({ releases }: Store, app: App, oneOff: OneOff, attachUrl: string | null = null): object {
  return {
    app: { id: app.id, name: app.name },
    attach_url: attachUrl,
    command: oneOff.command,
    created_at: time(oneOff.createdAt),
    id: oneOff.id,
    name: oneOff.name,
    release: { id: oneOff.releaseId, version: releases.find(oneOff.releaseId)?.version ?? 0 },
    size: sizeName(oneOff.size),
    state: 'starting',
    type: 'run',
    updated_at: time(oneOff.createdAt),
  }
}

/** What the API calls a dyno; `HEROKU_DYNO_ID` inside it. */
export function dynoId({ uuid, id }: Dyno): string {
  return uuid ?? uuidOf(id)
}

/** Heroku's states. While a release is being swapped in, the dynos that come are `starting` and those that go `stopping`. */
function stateOf({ releases }: Store, app: App, dyno: Dyno): string {
  const { release, state } = dyno
  const current = app.currentReleaseId ? (releases.find(app.currentReleaseId)?.version ?? 0) : 0
  if (release < current && !isOneOff(dyno)) return 'stopping'
  switch (state.kind) {
    case 'created':
      return 'starting'
    case 'running':
      return release > current && !isOneOff(dyno) ? 'starting' : 'up'
    case 'restarting':
      return 'crashed'
    case 'exited':
      return state.exit.code === 0 ? 'down' : 'crashed'
  }
}
