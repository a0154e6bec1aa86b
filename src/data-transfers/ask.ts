import { PaasError } from '../errors.ts'
import type { Addon } from '../model/addon.ts'
import { isOver, transferName, type DataTransfer } from '../model/data-transfer.ts'
import type { Store } from '../store/store.ts'
import { withoutSecrets } from '../outbound/download.ts'

type Records = Pick<Store, 'dataTransfers' | 'transaction'>

/** Of one app, those that wait or run. */
const mostOpen = 10

/** @throws transfers_limit */
export function askBackup(store: Records, addon: Addon, { scheduled }: { scheduled: boolean }): DataTransfer {
  const { id, name, appId, service } = addon
  return create(store, {
    appId,
    kind: 'backup',
    service,
    scheduled,
    from: { addonId: id, name },
    to: { addonId: null, name: 'BACKUP' },
  })
}

/**
 * @param source a backup, or the URL of a dump
 * @throws invalid_params, transfers_limit
 */
export function askRestore(store: Records, to: Addon, source: DataTransfer | string): DataTransfer {
  const asked = {
    appId: to.appId,
    kind: 'restore',
    service: to.service,
    to: { addonId: to.id, name: to.name },
  } as const
  if (typeof source === 'string') {
    return create(store, { ...asked, source, from: { addonId: null, name: withoutSecrets(source) } })
  }
  const name = transferName(source)
  if (source.kind !== 'backup' || source.state.kind !== 'succeeded') {
    throw new PaasError('invalid_params', `${name} is no backup that is complete.`)
  }
  if (source.service !== to.service) {
    throw new PaasError('invalid_params', `${name} is a backup of ${source.service}; ${to.name} is of ${to.service}.`)
  }
  return create(store, { ...asked, backupId: source.id, from: { addonId: null, name } })
}

/** @throws invalid_params, transfers_limit */
export function askCopy(store: Records, { from, to }: { from: Addon; to: Addon }): DataTransfer {
  if (from.id === to.id) throw new PaasError('invalid_params', `${from.name} cannot be copied onto itself.`)
  if (from.service !== to.service) {
    throw new PaasError('invalid_params', `${from.name} is of ${from.service}, ${to.name} of ${to.service}.`)
  }
  const { appId, service } = to
  const ends = { from: { addonId: from.id, name: from.name }, to: { addonId: to.id, name: to.name } }
  return create(store, { appId, kind: 'copy', service, ...ends })
}

/** One that waits is cancelled at once, one that runs by the worker. @throws invalid_params */
export function askCancel(store: Records, { id }: DataTransfer): void {
  store.transaction(() => {
    const now = store.dataTransfers.find(id)
    if (!now || isOver(now)) throw new PaasError('invalid_params', 'It has come to its end already.')
    const { state } = now
    if (state.kind === 'running') store.dataTransfers.setState(id, { ...state, cancelling: true })
    else store.dataTransfers.setState(id, { kind: 'cancelled', startedAt: null, endedAt: new Date() })
  })
}

function create(store: Records, asked: Parameters<Store['dataTransfers']['create']>[0]): DataTransfer {
  return store.transaction(() => {
    const open = store.dataTransfers.listOpen().filter(({ appId }) => appId === asked.appId).length
    if (open >= mostOpen && !asked.scheduled) {
      throw new PaasError(
        'transfers_limit',
        `${open} backups, restores and copies of this app are under way; the limit is ${mostOpen}.`,
      )
    }
    return store.dataTransfers.create(asked)
  })
}
