import { Type } from 'typebox'
import type { Config } from '../../config.ts'
import { PaasError } from '../../errors.ts'
import { unprovenNote } from '../../model/addon-backup.ts'
import { withoutPassword } from '../../model/backup-target.ts'
import type { VolumeProofId } from '../../model/ids.ts'
import { newestBackup, volumeProblem, type VolumeCopy, type VolumeProof } from '../../model/volume-copy.ts'
import type { AppVolume } from '../../model/volume.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { appOf } from '../http/access.ts'
import { secondsSince, time } from '../http/shapes.ts'
import { wake } from '../http/wake.ts'
import { volumeNamed } from './volumes.ts'

type Deps = Pick<ApiDeps, 'config' | 'store' | 'queue' | 'log'>

const config = { scope: 'protected' } as const
const nothing = Type.Object({}, { additionalProperties: false })
const here = "the server's data directory: it does not survive this machine's disk"

/** Backups of volumes in short, and whether they can be restored. */
export function volumeProofRoutes(api: Api, deps: Deps): void {
  const { store } = deps
  const list = (volumes: AppVolume[]): object[] =>
    volumes.filter(({ made, leaving }) => made && !leaving).map((volume) => volumeBackupsJson(deps, volume))

  api.get('/volume-backups', (request) => {
    const isSeen = ({ appId }: AppVolume): boolean => {
      const app = store.apps.get(appId)
      return !!app && store.collaborators.roleOf(request.identity.account, app) !== undefined
    }
    return list(store.volumes.listAll().filter(isSeen))
  })

  api.get('/apps/:app/volume-backups', (request) => list(store.volumes.list(appOf(store, request).id)))

  api.post(
    '/apps/:app/volumes/:volume/actions/prove',
    { config, schema: { body: nothing } },
    async (request, reply) => {
      const app = appOf(store, request, 'deploy')
      const { volume: name } = request.params as { volume: string }
      const proof = store.volumeProofs.ask(volumeNamed(store, app, name).id)
      await wake(deps, reply, { kind: 'volumes' })
      reply.code(202)
      return proofJson(proof)
    },
  )

  api.get('/apps/:app/volumes/:volume/proofs/:proof', (request) => {
    const app = appOf(store, request)
    const { volume: name, proof: id } = request.params as { volume: string; proof: string }
    const volume = volumeNamed(store, app, name)
    const proof = store.volumeProofs.find(id as VolumeProofId)
    if (proof?.volumeId !== volume.id) throw new PaasError('not_found', `The volume ${volume.name} has no such proof.`)
    return proofJson(proof)
  })
}

/** With the fields that backups of add-ons have, where there is something to say. */
function volumeBackupsJson({ store, config: settings }: Deps, volume: AppVolume): object {
  const { id, appId, name } = volume
  const all = store.volumeCopies.list({ appId, kind: 'backup' }).filter(({ volumeId }) => volumeId === id)
  const proofs = store.volumeProofs.list(id)
  const good = newestBackup(all, id)
  const bad = all.find(({ state }) => state.kind === 'failed')
  return {
    volume: { id, name },
    app: { id: appId, name: store.apps.get(appId)?.name ?? '' },
    kind: 'volume',
    schedule: scheduleOf(settings),
    recovery_point_seconds: good ? secondsSince(good.createdAt) : null,
    bytes: good?.state.kind === 'succeeded' ? good.state.bytes : 0,
    where: settings.backup ? withoutPassword(settings.backup.repository) : here,
    last_good: good ? copyJson(good) : null,
    last_failed: bad && (!good || bad.createdAt > good.createdAt) ? copyJson(bad) : null,
    ...provenJson(all, proofs),
    problem: (settings.volumeBackup.at && volumeProblem(volume, all, new Date())) ?? untried(proofs),
  }
}

/** What kept the last proof from being tried. */
function untried(proofs: VolumeProof[]): string | null {
  const { state } = proofs.find(({ endedAt }) => endedAt) ?? {}
  return state?.kind === 'unproven'
    ? unprovenNote({ label: state.copyId?.slice(0, 8) ?? null, reason: state.reason })
    : null
}

function scheduleOf({ volumeBackup: { at } }: Pick<Config, 'volumeBackup'>): string | null {
  if (!at) return null
  const [hour, minute] = [at.hour, at.minute].map((part) => String(part).padStart(2, '0'))
  return `a copy each day at ${hour}:${minute}, the machine's time`
}

function provenJson(copies: VolumeCopy[], proofs: VolumeProof[]) {
  const proven = copies.flatMap((copy) => (copy.provenAt ? [{ copy, at: copy.provenAt }] : []))
  const newest = proven.toSorted((one, other) => other.at.getTime() - one.at.getTime())[0]
  const failed = proofs.find(({ state }) => state.kind === 'failed')
  const isLater = failed?.endedAt && (!newest || failed.endedAt > newest.at)
  return {
    last_proven: newest ? { at: time(newest.at), backup: newest.copy.id, compared: true } : null,
    last_disproven:
      failed?.state.kind === 'failed' && failed.endedAt && isLater
        ? { at: time(failed.endedAt), backup: failed.state.copyId, reason: failed.state.reason }
        : null,
  }
}

function copyJson({ id, state, createdAt, trigger }: VolumeCopy): object {
  const done = state.kind === 'succeeded' ? state : undefined
  return {
    id,
    kind: trigger,
    status: state.kind,
    name: id.slice(0, 8),
    bytes: done?.bytes ?? null,
    files: done?.files ?? null,
    still: done?.isStill ?? null,
    reason: state.kind === 'failed' ? state.reason : null,
    started_at: time(createdAt),
    ended_at: 'endedAt' in state ? time(state.endedAt) : null,
  }
}

function proofJson({ id, state, createdAt, endedAt }: VolumeProof): object {
  return {
    id,
    status: state.kind,
    backup: 'copyId' in state ? state.copyId : null,
    compared: state.kind === 'succeeded' ? true : null,
    reason: 'reason' in state ? state.reason : null,
    created_at: time(createdAt),
    ended_at: endedAt && time(endedAt),
  }
}
