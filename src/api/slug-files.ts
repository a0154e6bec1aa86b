import type { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { FastifyRequest } from 'fastify'
import { slugArchive } from '../build/slug-archive.ts'
import { makeUploadedSlug } from '../build/uploaded-slug.ts'
import type { Config } from '../config.ts'
import type { Containers } from '../containers/containers.ts'
import { PaasError } from '../errors.ts'
import { checkDiskSpace } from '../git/disk-space.ts'
import { PushSlots } from '../git/push-slots.ts'
import { ClientGone, openBody } from '../git/request-body.ts'
import type { App } from '../model/app.ts'
import type { SlugId } from '../model/ids.ts'
import type { Slug, SlugDraft } from '../model/slug.ts'
import type { Store } from '../store/store.ts'
import { stackName } from './apps.ts'
import type { Api } from './deps.ts'
import type { SignedPaths } from './signed-path.ts'
import { claimedBytes, mebibytes, patience, takeAnyBody } from './upload.ts'

export type SlugFileDeps = {
  containers: Pick<Containers, 'addSlug' | 'readSlug'>
  store: Store
  config: Pick<Config, 'publicUrl' | 'paths' | 'limits'>
  signedPaths: SignedPaths
}

/** Milliseconds a slug can be fetched from an address, and in which the slugs uploaded for an app are bounded. */
const hour = 3600_000
/** In terms of the largest slug. */
const mostAnHour = 4
/** Uploads and downloads at once. */
const atOnce = { perApp: 3, perAccount: 6 }

export function slugPutUrl({ config, signedPaths }: Pick<SlugFileDeps, 'config' | 'signedPaths'>, id: SlugId): string {
  return `${config.publicUrl}/slugs/${id}/put/${signedPaths.sign('slug put', id)}`
}

export function slugGetUrl({ config, signedPaths }: Pick<SlugFileDeps, 'config' | 'signedPaths'>, id: SlugId): string {
  const until = String(Date.now() + hour)
  return `${config.publicUrl}/slugs/${id}/get/${until}/${signedPaths.sign('slug get', `${id} ${until}`)}`
}

/** Where the files of slugs go and come from: no token, the address is the secret. */
export function slugFileRoutes(api: Api, deps: SlugFileDeps): void {
  const slots = new PushSlots(atOnce, 'uploads and downloads of slugs')
  void api.register(async (files: Api) => {
    takeAnyBody(files)
    const { packBytes } = deps.config.limits
    files.put('/slugs/:slug/put/:signature', { bodyLimit: packBytes }, async (request, reply) => {
      const draft = draftAt(deps, request)
      const app = appOf(deps.store, draft)
      using _slot = takeSlot(deps.store, slots, app)
      await upload(deps, { app, draft }, request)
      return await reply.type('text/plain; charset=utf-8').send('')
    })
    files.get('/slugs/:slug/get/:until/:signature', { exposeHeadRoute: false }, async (request, reply) => {
      const slug = slugAt(deps, request)
      const packed = await pack(deps, slug, takeSlot(deps.store, slots, appOf(deps.store, slug)))
      return reply.type('application/gzip').send(packed)
    })
  })
}

async function upload(
  deps: SlugFileDeps,
  { app, draft }: { app: App; draft: SlugDraft },
  request: FastifyRequest,
): Promise<void> {
  const { store, config, containers } = deps
  const { packBytes } = config.limits
  claimedBytes(request, packBytes)
  checkUsage(deps, app)
  await checkDiskSpace(config.paths.sources)
  const body = openBody(request.raw, { bytes: packBytes, ...patience })
  const { id, appId, processTypes, buildpack, commit, commitDescription, sha256 } = draft
  const toImage = (files: Readable): Promise<string> => containers.addSlug({ id, app }, files)
  const made = await makeUploadedSlug(body, { sha256, limits: config.limits, toImage }).catch((cause: unknown) => {
    throw body.errored instanceof ClientGone
      ? new PaasError('bad_request', 'The upload was cut off.', { cause })
      : cause
  })
  const slug: Slug = {
    id,
    appId,
    processTypes,
    buildpack,
    commit,
    ...(commitDescription !== null && { commitDescription }),
    ...made,
    buildId: null,
    stack: stackName,
    createdAt: new Date(),
  }
  if (!store.slugDrafts.complete(slug)) throw store.slugs.find(id) ? taken(id) : gone()
}

/** What nobody has released yet takes disk all the same. @throws slugs_limit */
function checkUsage({ store, config }: SlugFileDeps, app: App): void {
  const begin = Date.now() - hour
  const recent = store.slugs.list(app.id).filter(({ buildId, createdAt }) => !buildId && createdAt.getTime() > begin)
  const bytes = recent.reduce((sum, { size }) => sum + size, 0)
  const limit = mostAnHour * config.limits.slugBytes
  if (bytes < limit) return
  throw new PaasError(
    'slugs_limit',
    `${app.name} was sent slugs of ${mebibytes(bytes)} MiB within an hour; the limit is ${mebibytes(limit)} MiB.`,
  )
}

/** Packed as it is read; the slot is free again when all of it was, or it broke off. */
async function pack({ containers }: SlugFileDeps, slug: Slug, slot: Disposable): Promise<Readable> {
  using beforehand = new DisposableStack()
  beforehand.use(slot)
  const tar = await containers.readSlug(slug.image, AbortSignal.timeout(patience.totalMs))
  if (!tar) throw new PaasError('image_missing', `The image of the slug ${slug.id} is gone.`)
  const held = beforehand.move()
  const archive = slugArchive(tar)
  const packed = archive.pipe(createGzip())
  archive.once('error', (cause) => packed.destroy(cause))
  return packed.once('close', () => {
    archive.destroy()
    held.dispose()
  })
}

function draftAt({ store, signedPaths }: SlugFileDeps, { params }: FastifyRequest): SlugDraft {
  const { slug: id, signature } = params as { slug: SlugId; signature: string }
  if (!signedPaths.verify('slug put', id, signature)) throw gone()
  if (store.slugs.find(id)) throw taken(id)
  const draft = store.slugDrafts.find(id)
  if (!draft || draft.expiresAt.getTime() <= Date.now()) throw gone()
  return draft
}

function slugAt({ store, signedPaths }: SlugFileDeps, { params }: FastifyRequest): Slug {
  const { slug: id, until, signature } = params as { slug: SlugId; until: string; signature: string }
  const known = signedPaths.verify('slug get', `${id} ${until}`, signature) && Number(until) > Date.now()
  const slug = known ? store.slugs.find(id) : undefined
  if (known && store.slugDrafts.find(id))
    throw new PaasError('slug_empty', `Nothing was uploaded for the slug ${id} yet.`)
  if (!slug) throw gone()
  if (!Object.values(slug.processTypes).includes(null)) return slug
  throw new PaasError(
    'slug_not_packable',
    `The slug ${id} was built with a Dockerfile: an image, of which no archive is made.`,
  )
}

function appOf({ apps }: Pick<Store, 'apps'>, { appId }: Slug | SlugDraft): App {
  const app = apps.find(appId)
  if (app) return app
  throw gone()
}

/** The app's owner answers for it: whoever has the address needs no account. */
function takeSlot({ accounts }: Pick<Store, 'accounts'>, slots: PushSlots, app: App): Disposable {
  const owner = accounts.find(app.ownerId)
  if (owner) return slots.take(app, owner)
  throw new PaasError('internal', `The app ${app.id} has no owner.`)
}

function taken(id: SlugId): PaasError {
  return new PaasError('slug_taken', `The slug ${id} has its files already.`)
}

function gone(): PaasError {
  return new PaasError('not_found', 'There is no such slug, or its hour is over.', {
    hint: 'Ask for a new address: POST /apps/APP/slugs, or GET /apps/APP/slugs/SLUG',
  })
}
