import type { Config } from '../../config.ts'
import type { Addon } from '../../model/addon.ts'
import { withoutPassword } from '../../model/backup-target.ts'
import { unprovenNote, windowDays, type AddonBackup, type AddonProof } from '../../model/addon-backup.ts'
import type { AddonId } from '../../model/ids.ts'
import { serviceNamed, type Service } from '../../model/service.ts'
import { canBeDumped, canBeProven } from '../../services/dumps.ts'
import { hasArchive } from '../../services/spec.ts'
import type { Store } from '../../store/store.ts'
import { secondsSince, time } from '../http/shapes.ts'
import { dumpsJson } from './dumps-json.ts'

type Told = {
  store: Pick<Store, 'apps' | 'addonBackups' | 'addonProofs' | 'dataTransfers' | 'backupSchedules'>
  services: Service[]
  config: Pick<Config, 'backup'>
}

type ArchiveRecords = { store: Pick<Store, 'addonBackups'> }

const schedule = 'all that is written, within a minute; a backup each day, a full one each week'
const here = "a volume beside the data: it does not survive this machine's disk"

const none = {
  kind: 'none',
  schedule: null,
  window_days: null,
  window: null,
  hole: null,
  recovery_point_seconds: null,
  bytes: 0,
  where: null,
  last_good: null,
  last_failed: null,
  problem: null,
  backups: [],
}

/** What an add-on has of backups; one whose service makes none says so. */
export function backupsJson(told: Told, addon: Addon): object {
  const { store, services } = told
  const service = serviceNamed(services, addon.service)
  const proofs = store.addonProofs.list(addon.id)
  const backups =
    service && hasArchive(service)
      ? archiveJson(told, addon)
      : service && canBeDumped(service)
        ? dumpsJson(told, addon, service)
        : none
  return {
    addon: { id: addon.id, name: addon.name },
    app: { id: addon.appId, name: store.apps.get(addon.appId)?.name ?? '' },
    service: addon.service,
    ...backups,
    problem: backups.problem ?? untried(proofs),
    provable: !!service && canBeProven(service),
    ...proofsJson(proofs),
  }
}

function archiveJson({ store, config }: Told, addon: Addon) {
  const archive = store.addonBackups.archive(addon.id)
  const backups = store.addonBackups.list(addon.id)
  const good = backups.find(({ state }) => state.kind === 'succeeded')
  const bad = backups.find(({ state }) => state.kind === 'failed')
  // What is nowhere but here is lost with this machine.
  const until = config.backup ? archive.storedUntil : archive.until
  return {
    kind: 'continuous',
    schedule,
    window_days: windowDays,
    window: archive.since && archive.until ? { from: time(archive.since), to: time(archive.until) } : null,
    hole: archive.hole && time(archive.hole),
    recovery_point_seconds: until && secondsSince(until),
    bytes: archive.bytes,
    where: config.backup ? withoutPassword(config.backup.repository) : here,
    last_good: good ? backupJson(good) : null,
    last_failed: bad && (!good || bad.startedAt > good.startedAt) ? backupJson(bad) : null,
    problem: archiveProblem({ store, config }, addon.id) ?? null,
    backups: backups.map(backupJson),
  }
}

/** What is wrong with an archive, or with its way to the backup target; undefined: nothing. */
export function archiveProblem(
  { store, config }: Pick<Told, 'config'> & ArchiveRecords,
  id: AddonId,
): string | undefined {
  const { problem, storedProblem } = store.addonBackups.archive(id)
  return problem ?? (config.backup ? storedProblem : null) ?? undefined
}

/** What kept the last proof from being tried. */
function untried(proofs: AddonProof[]): string | null {
  const last = proofs.find(({ endedAt }) => endedAt)
  return last?.state.kind === 'unproven' ? unprovenNote(last.state) : null
}

/** `compared`: with what was noted when the backup was made; else it was restored alone. */
function proofsJson(proofs: AddonProof[]) {
  const proven = proofs.find(({ state }) => state.kind === 'succeeded')
  const disproven = proofs.find(({ state }) => state.kind === 'failed')
  return {
    last_proven:
      proven?.state.kind === 'succeeded'
        ? {
            at: time(proven.endedAt ?? proven.createdAt),
            backup: proven.state.label || null,
            compared: proven.state.compared,
          }
        : null,
    last_disproven:
      disproven?.state.kind === 'failed' && (!proven || disproven.createdAt > proven.createdAt)
        ? {
            at: time(disproven.endedAt ?? disproven.createdAt),
            backup: disproven.state.label,
            reason: disproven.state.reason,
          }
        : null,
  }
}

function backupJson({ id, kind, state, startedAt, endedAt }: AddonBackup): object {
  return {
    id,
    kind,
    status: state.kind,
    name: state.kind === 'succeeded' ? state.label : null,
    bytes: state.kind === 'succeeded' ? state.bytes : null,
    reason: state.kind === 'failed' ? state.reason : null,
    started_at: time(startedAt),
    ended_at: endedAt && time(endedAt),
  }
}
