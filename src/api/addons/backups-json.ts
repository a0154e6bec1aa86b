import type { Config } from '../../config.ts'
import type { Addon } from '../../model/addon.ts'
import { withoutPassword } from '../../model/backup-target.ts'
import { windowDays, type AddonBackup } from '../../model/addon-backup.ts'
import { serviceNamed, type Service } from '../../model/service.ts'
import { hasArchive } from '../../services/spec.ts'
import type { Store } from '../../store/store.ts'
import { time } from '../http/shapes.ts'

type Told = {
  store: Pick<Store, 'apps' | 'addonBackups' | 'addonProofs'>
  services: Service[]
  config: Pick<Config, 'backup'>
}

const schedule = 'all that is written, within a minute; a backup each day, a full one each week'
const here = "a volume beside the data: it does not survive this machine's disk"

/** What an add-on has of backups; one whose service makes none says so. */
export function backupsJson({ store, services, config }: Told, addon: Addon): object {
  const service = serviceNamed(services, addon.service)
  const isArchived = !!service && hasArchive(service)
  const archive = store.addonBackups.archive(addon.id)
  const backups = store.addonBackups.list(addon.id)
  const proofs = store.addonProofs.list(addon.id)
  const good = backups.find(({ state }) => state.kind === 'succeeded')
  const bad = backups.find(({ state }) => state.kind === 'failed')
  const proven = proofs.find(({ state }) => state.kind === 'succeeded')
  const disproven = proofs.find(({ state }) => state.kind === 'failed')
  // What is nowhere but here is lost with this machine.
  const until = config.backup ? archive.storedUntil : archive.until
  return {
    addon: { id: addon.id, name: addon.name },
    app: { id: addon.appId, name: store.apps.get(addon.appId)?.name ?? '' },
    service: addon.service,
    kind: isArchived ? 'continuous' : 'none',
    schedule: isArchived ? schedule : null,
    window_days: isArchived ? windowDays : null,
    window: archive.since && archive.until ? { from: time(archive.since), to: time(archive.until) } : null,
    hole: archive.hole && time(archive.hole),
    recovery_point_seconds: until && Math.max(0, Math.round((Date.now() - until.getTime()) / 1000)),
    bytes: archive.bytes,
    where: isArchived ? (config.backup ? withoutPassword(config.backup.repository) : here) : null,
    last_good: good ? backupJson(good) : null,
    last_failed: bad && (!good || bad.startedAt > good.startedAt) ? backupJson(bad) : null,
    last_proven: proven ? { at: time(proven.endedAt ?? proven.createdAt), backup: labelIn(proven.state) } : null,
    last_disproven:
      disproven?.state.kind === 'failed' && (!proven || disproven.createdAt > proven.createdAt)
        ? {
            at: time(disproven.endedAt ?? disproven.createdAt),
            backup: labelIn(disproven.state),
            reason: disproven.state.reason,
          }
        : null,
    problem: archive.problem ?? (config.backup ? archive.storedProblem : null),
    backups: backups.map(backupJson),
  }
}

function backupJson({ id, kind, state, startedAt, endedAt }: AddonBackup): object {
  return {
    id,
    kind,
    status: state.kind,
    name: labelIn(state),
    bytes: state.kind === 'succeeded' ? state.bytes : null,
    reason: state.kind === 'failed' ? state.reason : null,
    started_at: time(startedAt),
    ended_at: endedAt && time(endedAt),
  }
}

function labelIn(state: { kind: string; label?: string | null }): string | null {
  return state.label ?? null
}
