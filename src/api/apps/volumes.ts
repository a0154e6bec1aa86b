import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { App } from '../../model/app.ts'
import type { Release } from '../../model/release.ts'
import { fillingOf } from '../../model/volume-copy.ts'
import { checkNewVolume, type NewVolume, type AppVolume } from '../../model/volume.ts'
import { createVolumeRelease } from '../../release/create.ts'
import { sayWhoReleases } from '../../release/say-who.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { appOf } from '../http/access.ts'
import { time } from '../http/shapes.ts'
import { wake } from '../http/wake.ts'

type Deps = Pick<ApiDeps, 'config' | 'store' | 'queue' | 'platformLog' | 'log'>

const newVolume = Type.Object(
  {
    name: Type.String({ maxLength: 100 }),
    mount: Type.String({ maxLength: 1000 }),
    types: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { minItems: 1, maxItems: 20 })),
    single_writer: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
const other = Type.Object({ with: Type.String({ maxLength: 100 }) }, { additionalProperties: false })
const confirmation = Type.Object({ confirm: Type.Optional(Type.String()) }, { additionalProperties: false })

/** Volumes of apps. Heroku has no call for them. */
export function volumeRoutes(api: Api, deps: Deps): void {
  const { store } = deps

  api.get('/apps/:app/volumes', (request) => {
    const app = appOf(store, request)
    return store.volumes.list(app.id).map((volume) => volumeJson(deps, app, volume))
  })

  api.get('/apps/:app/volumes/:volume', (request) => {
    const app = appOf(store, request)
    return volumeJson(deps, app, volumeOf(store, app, request))
  })

  api.post('/apps/:app/volumes', { schema: { body: newVolume } }, async (request, reply) => {
    const app = appOf(store, request)
    const { types = ['web'], single_writer: singleWriter = true, ...given } = request.body
    const made = create(deps, { app, request }, { ...given, types, singleWriter })
    await wake(deps, reply, { kind: 'converge', appId: app.id })
    reply.code(201)
    return volumeJson(deps, app, made.volume, made.release)
  })

  api.post('/apps/:app/volumes/:volume/actions/switch', { schema: { body: other } }, async (request, reply) => {
    const app = appOf(store, request)
    const [volume, copy] = [volumeOf(store, app, request), volumeNamed(store, app, request.body.with)]
    const { release } = switchData(deps, { app, request }, [volume, copy])
    await wake(deps, reply, { kind: 'converge', appId: app.id })
    return volumeJson(deps, app, volumeOf(store, app, request), release)
  })

  const config = { role: 'admin' } as const
  api.delete(
    '/apps/:app/volumes/:volume',
    { config, schema: { querystring: confirmation } },
    async (request, reply) => {
      const app = appOf(store, request)
      const volume = volumeOf(store, app, request)
      checkConfirmed(volume, request.query.confirm)
      const { release } = leave(deps, { app, request }, volume)
      await wake(deps, reply, { kind: 'converge', appId: app.id })
      return volumeJson(deps, app, volume, release)
    },
  )
}

/** @throws invalid_params, name_taken */
function create(deps: Deps, { app, request }: Asking, wanted: NewVolume): Changed {
  const { store } = deps
  return store.transaction(() => {
    checkNewVolume(wanted, store.volumes.list(app.id), store.formations.list(app.id))
    const volume = store.volumes.create({ ...wanted, appId: app.id })
    return { volume, release: releaseWith(deps, { app, request }, `Add volume ${volume.name}`) }
  })
}

function leave(deps: Deps, asking: Asking, volume: AppVolume): Changed {
  const { store } = deps
  return store.transaction(() => {
    const release = releaseWith(deps, asking, `Remove volume ${volume.name}`)
    store.volumes.leave(volume.id, release.id)
    return { volume, release }
  })
}

/** Each gets the data of the other, with a release, so that dynos are replaced as in a deploy. */
function switchData(deps: Deps, asking: Asking, [volume, copy]: [AppVolume, AppVolume]): Changed {
  const { store } = deps
  if (volume.id === copy.id || !volume.made || !copy.made) {
    const problem = volume.id === copy.id ? 'is the volume itself' : 'has no data yet: its app was not deployed'
    const { name } = volume.id === copy.id || !copy.made ? copy : volume
    throw new PaasError('invalid_params', `${name} ${problem}.`)
  }
  return store.transaction(() => {
    const release = releaseWith(deps, asking, `Switch volume ${volume.name} with ${copy.name}`)
    store.volumes.switchData(volume, copy, release.id)
    return { volume, release }
  })
}

type Asking = { app: App; request: FastifyRequest }
type Changed = { volume: AppVolume; release: Release }

/** The release with which dynos get it, or get it no more. */
function releaseWith({ store, platformLog }: Deps, { app, request }: Asking, description: string): Release {
  const { account } = request.identity
  const release = createVolumeRelease(store, app, { description, accountId: account.id })
  if (release.slugId === null) store.releases.setState(release.id, { kind: 'succeeded' })
  sayWhoReleases(platformLog, release, account.email)
  return release
}

/** @throws confirmation_required */
function checkConfirmed({ name }: AppVolume, given: string | undefined): void {
  if (given === name) return
  throw new PaasError('confirmation_required', `The data of the volume ${name} would be removed for good.`, {
    hint: `Confirm with its name: paas volumes:destroy ${name} --confirm ${name}`,
  })
}

function volumeOf(store: Deps['store'], app: App, request: FastifyRequest): AppVolume {
  return volumeNamed(store, app, (request.params as { volume: string }).volume)
}

/** By id or name. @throws not_found */
export function volumeNamed({ volumes }: Pick<Deps['store'], 'volumes'>, app: App, name: string): AppVolume {
  const found = volumes.list(app.id).find((volume) => volume.id === name || volume.name === name)
  if (found) return found
  throw new PaasError('not_found', `${app.name} has no volume ${JSON.stringify(name.slice(0, 60))}.`, {
    hint: `See them with: paas volumes -a ${app.name}`,
  })
}

function volumeJson({ config, store }: Deps, app: App, volume: AppVolume, release?: Release): object {
  return {
    app: { id: app.id, name: app.name },
    created_at: time(volume.createdAt),
    filled_from: fillingJson(store, volume),
    id: volume.id,
    limit_bytes: config.limits.volumeMiB * 2 ** 20,
    measured_at: volume.measuredAt && time(volume.measuredAt),
    mount: volume.mount,
    name: volume.name,
    read_only: volume.fill === 'full',
    release: release ? { id: release.id, version: release.version } : null,
    single_writer: volume.singleWriter,
    types: volume.types,
    updated_at: time(volume.updatedAt),
    used_bytes: volume.bytes,
  }
}

/** The copy that what is in it came with; null: dynos alone have written to it. */
function fillingJson({ volumeCopies }: Pick<Deps['store'], 'volumeCopies'>, volume: AppVolume): object | null {
  const copies = volumeCopies.list({ appId: volume.appId })
  const copy = fillingOf(volume, copies)
  if (!copy) return null
  const backup = copies.find(({ id }) => id === copy.from)
  return {
    as_of: time((backup ?? copy).createdAt),
    backup: copy.from && { id: copy.from },
    kind: copy.kind,
    volume: { name: copy.volume },
  }
}
