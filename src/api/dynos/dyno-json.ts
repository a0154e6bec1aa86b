import type { Dyno } from '../../containers/containers.ts'
import type { App } from '../../model/app.ts'
import type { Formation } from '../../model/formation.ts'
import type { OneOff } from '../../model/one-off.ts'
import type { Release } from '../../model/release.ts'
import type { Store } from '../../store/store.ts'
import { commandsOf } from './commands.ts'
import type { DynoCondition } from './dyno-state.ts'
import { sizeName, time, uuidOf } from '../http/shapes.ts'

type Parts = {
  id: string
  name: string
  type: string
  size: string
  command: string
  release: { id: string; version: number }
  createdAt: Date
  condition: DynoCondition
  restarts: number
}

export type MissingDyno = {
  id: string
  name: string
  formation: Formation
  release: Release
  condition: DynoCondition
}

/** @param oneOff its record, for a dyno that has one */
export function dynoJson(
  store: Store,
  app: App,
  { dyno, condition, oneOff }: { dyno: Dyno; condition: DynoCondition; oneOff: OneOff | undefined },
): object {
  const release = store.releases.findIn(app.id, String(dyno.release))
  return show(app, {
    ...dyno,
    id: oneOff?.id ?? dynoId(dyno),
    command: oneOff?.command ?? commandsOf(store, release?.id ?? null)[dyno.type] ?? '',
    release: { id: release?.id ?? uuidOf(`release ${dyno.release} of ${app.id}`), version: dyno.release },
    createdAt: oneOff?.createdAt ?? dyno.createdAt,
    condition,
  })
}

/**
 * One that was asked for and has no container yet.
 * @param attachUrl the URL for its client; only for the account that requested it
 */
export function waitingJson({ releases }: Store, app: App, oneOff: OneOff, attachUrl: string | null = null): object {
  const condition = {
    state: 'starting',
    since: oneOff.createdAt,
    reason: null,
    exitStatus: null,
    nextStart: null,
  } as const
  const release = { id: oneOff.releaseId, version: releases.find(oneOff.releaseId)?.version ?? 0 }
  return { ...show(app, { ...oneOff, type: 'run', release, condition, restarts: 0 }), attach_url: attachUrl }
}

/** One of the formation that has no container, or none that can be seen. */
export function missingJson(store: Store, app: App, missing: MissingDyno): object {
  const { formation, release, condition } = missing
  const command = commandsOf(store, release.id)[formation.type] ?? ''
  const { type, size } = formation
  return show(app, { ...missing, type, size, command, createdAt: condition.since, restarts: 0 })
}

/** The last four are ours: Heroku's API has no word for why. */
function show(app: App, { condition, release, ...dyno }: Parts): object {
  return {
    app: { id: app.id, name: app.name },
    attach_url: null,
    command: dyno.command,
    created_at: time(dyno.createdAt),
    id: dyno.id,
    name: dyno.name,
    release: { id: release.id, version: release.version },
    size: sizeName(dyno.size),
    state: condition.state,
    type: dyno.type,
    updated_at: time(condition.since),
    exit_status: condition.exitStatus,
    next_start_at: condition.nextStart && time(condition.nextStart),
    reason: condition.reason,
    restarts: dyno.restarts,
  }
}

/** What the API calls a dyno; `HEROKU_DYNO_ID` inside it. */
export function dynoId({ uuid, id }: { uuid?: string; id: string }): string {
  return uuid ?? uuidOf(id)
}

/** A dyno as the API shows it. */
export type PresentDyno = { id: string; name: string; json: () => object }
