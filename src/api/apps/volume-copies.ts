import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { App } from '../../model/app.ts'
import { newId, type VolumeId } from '../../model/ids.ts'
import { freeVolumeName, type VolumeCopy } from '../../model/volume-copy.ts'
import { checkCopiedVolume } from '../../model/volume.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { appOf } from '../http/access.ts'
import { time } from '../http/shapes.ts'
import { wake } from '../http/wake.ts'
import { volumeNamed } from './volumes.ts'

type Deps = Pick<ApiDeps, 'config' | 'store' | 'queue' | 'log'>

const kinds = Type.Union([
  Type.Literal('backup'),
  Type.Literal('restore'),
  Type.Literal('fork'),
  Type.Literal('upload'),
])
const asked = Type.Object(
  {
    kind: kinds,
    volume: Type.String({ maxLength: 100 }),
    backup: Type.Optional(Type.String({ maxLength: 100 })),
    name: Type.Optional(Type.String({ maxLength: 100 })),
    switch: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
type Asked = Static<typeof asked>

/** Of one app: within a day, and not done yet. */
const most = { aDay: 50, open: 10 }
const day = 86_400_000
/** After which nobody sends the files of an upload any more. */
const hour = 3600_000

/** Copies of volumes: to the backup target, from there, from one into another. */
export function volumeCopyRoutes(api: Api, deps: Deps): void {
  const { store } = deps

  api.get('/apps/:app/volume-copies', (request) => {
    const app = appOf(store, request)
    return store.volumeCopies.list({ appId: app.id }).map((copy) => copyJson(deps, app, copy))
  })

  api.get('/apps/:app/volume-copies/:copy', (request) => {
    const app = appOf(store, request)
    return copyJson(deps, app, copyOf(store, app, request))
  })

  api.post('/apps/:app/volume-copies', { schema: { body: asked } }, async (request, reply) => {
    const app = appOf(store, request)
    const copy = store.transaction(() => create(deps, app, request.body))
    await wake(deps, reply, { kind: 'volumes' })
    reply.code(202)
    return copyJson(deps, app, copy)
  })
}

/** @throws invalid_params, name_taken, not_found, backup_missing, volume_copies_limit */
function create({ store }: Deps, app: App, { kind, volume: name, backup, ...into }: Asked): VolumeCopy {
  checkLimits(store, app)
  const common = { appId: app.id, kind, trigger: 'asked' as const }
  if (kind === 'restore') {
    const from = backupNamed(store, app, name, backup)
    const { volumeId, volume } = from
    return store.volumeCopies.create({
      ...common,
      volumeId,
      volume,
      from: from.id,
      into: intoOf(store, app, from, into),
    })
  }
  const { id: volumeId, name: volume } = volumeNamed(store, app, name)
  const about = { ...common, volumeId, volume, from: null }
  if (kind === 'backup') return store.volumeCopies.create({ ...about, into: null })
  return store.volumeCopies.create({ ...about, into: intoOf(store, app, { kind, volume }, into) })
}

const endings = { backup: '-restored', restore: '-restored', fork: '-fork', upload: '-uploaded' } as const

/** The names of those that are being made are taken too. */
function intoOf(
  store: Deps['store'],
  app: App,
  { kind, volume }: Pick<VolumeCopy, 'kind' | 'volume'>,
  { name, switch: switches = false }: Pick<Asked, 'name' | 'switch'>,
): NonNullable<VolumeCopy['into']> {
  const coming = openCopies(store, app).flatMap(({ into }) => (into ? [{ name: into.name }] : []))
  const present = [...store.volumes.list(app.id), ...coming]
  const named =
    name ??
    freeVolumeName(
      `${volume}${endings[kind]}`,
      present.map((other) => other.name),
    )
  checkCopiedVolume(named, present)
  return { name: named, data: newId<VolumeId>(), switch: switches }
}

function openCopies({ volumeCopies }: Pick<Deps['store'], 'volumeCopies'>, app: App): VolumeCopy[] {
  return volumeCopies.list({ appId: app.id }).filter(({ kind, state, createdAt }) => {
    const isLate = kind === 'upload' && Date.now() - createdAt.getTime() > hour
    return state.kind === 'running' || (state.kind === 'pending' && !isLate)
  })
}

/** @throws volume_copies_limit */
function checkLimits(store: Pick<Deps['store'], 'volumeCopies'>, app: App): void {
  const since = Date.now() - day
  const recent = store.volumeCopies
    .list({ appId: app.id })
    .filter(({ trigger, createdAt }) => trigger === 'asked' && createdAt.getTime() > since)
  if (recent.length < most.aDay && openCopies(store, app).length < most.open) return
  const which = recent.length < most.aDay ? `${most.open} that are not done yet` : `had ${most.aDay} within a day`
  throw new PaasError('volume_copies_limit', `Copies of volumes of ${app.name}: it has ${which}, the limit.`)
}

/** The newest of a volume that counts, or the one whose id begins so. @throws backup_missing */
function backupNamed(
  { volumeCopies }: Pick<Deps['store'], 'volumeCopies'>,
  app: App,
  volume: string,
  wanted: string | undefined,
): VolumeCopy {
  const good = volumeCopies.list({ appId: app.id, kind: 'backup' }).filter(({ state }) => state.kind === 'succeeded')
  const ofVolume = good.filter((copy) => copy.volume === volume || copy.volumeId === volume)
  const found = wanted === undefined ? ofVolume : good.filter(({ id }) => wanted.length >= 6 && id.startsWith(wanted))
  if (found[0] && (wanted === undefined || found.length === 1)) return found[0]
  const which = wanted === undefined ? '' : ` ${JSON.stringify(wanted.slice(0, 60))}`
  throw new PaasError('backup_missing', `There is no backup${which} of the volume ${volume}.`, {
    hint: `See them with: paas volumes:backups -a ${app.name}`,
  })
}

/** @throws not_found */
export function copyOf(
  { volumeCopies }: Pick<Deps['store'], 'volumeCopies'>,
  app: App,
  request: FastifyRequest,
): VolumeCopy {
  const { copy: id } = request.params as { copy: string }
  const found = volumeCopies.list({ appId: app.id }).find((copy) => copy.id === id)
  if (found) return found
  throw new PaasError('not_found', `${app.name} has no copy ${JSON.stringify(id.slice(0, 60))} of a volume.`)
}

export function copyJson({ config }: Pick<Deps, 'config'>, app: App, copy: VolumeCopy): object {
  const { state } = copy
  const done = state.kind === 'succeeded' ? state : undefined
  return {
    app: { id: app.id, name: app.name },
    bytes: done?.bytes ?? null,
    checksum: done?.checksum ?? null,
    created_at: time(copy.createdAt),
    ended_at: 'endedAt' in state ? time(state.endedAt) : null,
    files: done?.files ?? null,
    from: copy.from && { id: copy.from },
    id: copy.id,
    into: copy.into && { name: copy.into.name, switch: copy.into.switch },
    kind: copy.kind,
    proven_at: copy.provenAt && time(copy.provenAt),
    reason: state.kind === 'failed' ? state.reason : null,
    status: state.kind,
    still: done?.isStill ?? null,
    survives_disk: config.backup !== undefined,
    trigger: copy.trigger,
    volume: { id: copy.volumeId, name: copy.volume },
  }
}
