import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../config.ts'
import type { Engine, ServiceContainer } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { AddonOrigin, RestoreMoment } from '../model/addon-backup.ts'
import type { AddonId } from '../model/ids.ts'
import type { Store } from '../store/store.ts'
import { bringIntoArchive, explainAway, runArchiveProgram } from './archive.ts'
import { untilHealthy } from './healthy.ts'

export type RestoreDeps = {
  engine: Pick<Engine, 'endExec' | 'execInService' | 'listServices' | 'readFromService' | 'writeToService'>
  store: Pick<Store, 'addons' | 'addonBackups' | 'archiveFetches'>
  config: Pick<Config, 'backup'>
}

/** That waits for what it is made from. */
type Container = Pick<ServiceContainer, 'id' | 'addonId'>

/** Milliseconds in which what an archive is taken of has to run, and between two looks at it. */
const patience = 60_000
const pause = 250

/** Where a service has its archive, and where a restore finds that of another. */
const archiveAt = '/backups/repo'
const sourceAt = '/backups/source'

/**
 * Fills a new container, which waits for it, with what another add-on had at a moment. Done twice,
 * it begins again: what a worker that was killed has left running is ended before its archive is
 * taken from under it.
 * @param asIfLost from the backup target, where there is one
 * @throws backup_failed with the service's reason
 */
export async function restoreInto(
  deps: RestoreDeps,
  container: Container,
  { addonId, moment, version, asIfLost = false }: AddonOrigin & { asIfLost?: boolean },
  signal: AbortSignal,
): Promise<void> {
  const key = deps.store.addons.secrets(addonId).backupKey ?? ''
  const session = `restore-${container.addonId}`
  await deps.engine.endExec(container.id, session)
  await emptySource(deps, container, signal)
  await bringArchive(deps, container, { addonId, moment, asIfLost }, signal)
  const env = {
    SOURCE_BACKUP_KEY: key,
    ...(version !== undefined && { SOURCE_VERSION: version }),
    ...momentEnv(moment),
  }
  await runArchiveProgram(deps, container.id, { argv: ['restore'], env, session }, signal)
}

async function emptySource({ engine }: RestoreDeps, { id: container }: Container, signal: AbortSignal): Promise<void> {
  const argv = ['/bin/bash', '-c', `rm -rf ${sourceAt} && mkdir ${sourceAt}`]
  const { code, output } = await engine.execInService(container, { argv }, signal).catch(explainAway)
  if (code !== 0) throw new PaasError('backup_failed', `There is no place for the archive: ${output.trim()}`)
}

/**
 * From the add-on's own volume, with what was committed by now; or from the backup target, by the
 * process that has the keys of it, as what was before the server was restored.
 */
async function bringArchive(
  deps: RestoreDeps,
  container: Container,
  { addonId, moment, asIfLost }: AddonOrigin & { asIfLost: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { engine, store, config } = deps
  const [source] = await engine.listServices({ addonId })
  const runs = source?.state.kind === 'running'
  const { former } = store.addonBackups.archive(addonId)
  const isFormer = !!former && moment.kind === 'time' && Date.parse(moment.at) <= former.until.getTime()
  if (config.backup && (asIfLost || isFormer || !runs))
    return fetchFromTarget(deps, container, { addonId, moment }, signal)
  const { id } = await untilItAnswers(deps, addonId, signal)
  const { until } = await bringIntoArchive(deps, id, signal)
  store.addonBackups.setArchive(addonId, { until })
  await engine.writeToService(container.id, sourceAt, await engine.readFromService(id, archiveAt))
}

/**
 * An engine that was away starts it again.
 * @throws backup_failed and addon_failed where it does not come up
 */
async function untilItAnswers(
  { engine, store }: RestoreDeps,
  addonId: AddonId,
  signal: AbortSignal,
): Promise<ServiceContainer> {
  const addon = store.addons.find(addonId)
  if (!addon) throw new PaasError('backup_failed', 'The add-on is gone, and its backups are nowhere else.')
  for (const end = performance.now() + patience; performance.now() < end;) {
    const [source] = await engine.listServices({ addonId })
    if (source?.state.kind === 'running') {
      await untilHealthy({ engine }, addon, source, signal)
      return source
    }
    await delay(pause, undefined, { signal })
  }
  const hint = `Its log says why: paas logs -d ${addon.process}`
  throw new PaasError('backup_failed', `${addon.name} does not run, and its backups are nowhere else.`, { hint })
}

const nobody = { kind: 'failed', code: 'backup_failed', reason: 'Nobody brings it.' } as const

/** @throws what the process says: backup_missing, backup_target_refused */
async function fetchFromTarget(
  { store }: RestoreDeps,
  { addonId: id }: Container,
  { addonId, moment }: AddonOrigin,
  signal: AbortSignal,
): Promise<void> {
  store.archiveFetches.ask(id, addonId, moment.kind === 'time' ? new Date(moment.at) : new Date())
  try {
    for (;;) {
      const state = store.archiveFetches.find(id)?.state ?? nobody
      if (state.kind === 'done') return
      if (state.kind === 'failed') throw new PaasError(state.code, state.reason)
      await delay(pause, undefined, { signal })
    }
  } finally {
    store.archiveFetches.remove(id)
  }
}

function momentEnv(moment: RestoreMoment): Record<string, string> {
  switch (moment.kind) {
    case 'latest':
      return { RESTORE_TYPE: 'default', ...(moment.label !== undefined && { RESTORE_SET: moment.label }) }
    case 'time':
      return { RESTORE_TYPE: 'time', RESTORE_TARGET: moment.at }
    case 'xid':
      return { RESTORE_TYPE: 'xid', RESTORE_TARGET: moment.xid }
    case 'mark':
      return { RESTORE_TYPE: 'name', RESTORE_TARGET: moment.mark, RESTORE_SET: moment.label }
  }
}
