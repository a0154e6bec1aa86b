import type { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { slugArchive } from '../../build/slug-archive.ts'
import { makeUploadedSlug } from '../../build/uploaded-slug.ts'
import { appUser } from '../../model/app-user.ts'
import type { Config } from '../../config.ts'
import type { Containers } from '../../containers/containers.ts'
import { PaasError } from '../../errors.ts'
import { checkDiskSpace } from '../../source/disk-space.ts'
import { TransferSlots } from '../../source/transfer-slots.ts'
import { ClientGone, openBody } from '../../source/body.ts'
import type { Grants } from '../../grants/grants.ts'
import type { App } from '../../model/app.ts'
import type { Asker } from '../../model/grant.ts'
import type { AppId, SlugId } from '../../model/ids.ts'
import type { Slug, SlugDraft } from '../../model/slug.ts'
import type { Store } from '../../store/store.ts'
import type { Api } from '../deps.ts'
import { holdAnswer } from '../http/held-answer.ts'
import { lifetimes, type Passes } from '../http/passes.ts'
import { claimedBytes, mebibytes, patience, takeAnyBody } from '../http/upload.ts'

export type SlugFileDeps = {
  containers: Pick<Containers, 'addSlug' | 'readSlug'>
  store: Store
  grants: Grants
  config: Pick<Config, 'publicUrl' | 'paths' | 'limits'>
  passes: Passes
}

/** Milliseconds in which the slugs uploaded for an app are bounded. */
const hour = 3600_000
/** As multiples of the largest slug. */
const mostAnHour = 4
/** Uploads and downloads at once. */
const atOnce = { perApp: 3, perAccount: 6 }

type Direction = 'put' | 'get'

/**
 * The URL where files of a slug of that app are uploaded or downloaded, for the account that asks.
 */
export function slugUrl(
  { config, passes }: Pick<SlugFileDeps, 'config' | 'passes'>,
  { id, appId }: { id: SlugId; appId: AppId },
  direction: Direction,
  asker: Asker,
): string {
  const grant = { ...asker, app: { id: appId, role: 'deploy' } } as const
  const pass = passes.issue({ kind: `slug ${direction}`, id }, grant, lifetimes.file)
  return `${config.publicUrl}/slugs/${id}/${direction}/${pass}`
}

/** Where the files of slugs go and come from: no token, the address is the secret. */
export function slugFileRoutes(api: Api, deps: SlugFileDeps): void {
  const slots = new TransferSlots(atOnce, 'uploads and downloads of slugs')
  void api.register(async (files: Api) => {
    takeAnyBody(files)
    const { packBytes } = deps.config.limits
    files.put('/slugs/:slug/put/:pass', { bodyLimit: packBytes }, async (request, reply) => {
      const draft = draftAt(deps, request, reply)
      const app = appOf(deps.store, draft)
      using _slot = takeSlot(deps.store, slots, app)
      await upload(deps, { app, draft }, request)
      return await reply.type('text/plain; charset=utf-8').send('')
    })
    files.get('/slugs/:slug/get/:pass', { exposeHeadRoute: false }, async (request, reply) => {
      const slug = slugAt(deps, request, reply)
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
  const toImage = (files: Readable): Promise<string> => containers.addSlug({ id, app, stack: app.stack }, files)
  const made = await makeUploadedSlug(body, { sha256, limits: config.limits, owner: appUser(app.id), toImage }).catch(
    (cause: unknown) => {
      throw body.errored instanceof ClientGone
        ? new PaasError('bad_request', 'The upload was interrupted.', { cause })
        : cause
    },
  )
  const slug: Slug = {
    id,
    appId,
    processTypes,
    buildpack,
    commit,
    ...(commitDescription !== null && { commitDescription }),
    ...made,
    buildId: null,
    stack: app.stack,
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
    `${app.name} received slugs of ${mebibytes(bytes)} MiB within an hour; the limit is ${mebibytes(limit)} MiB.`,
  )
}

/** Packed as it is read; the slot is free again when all of it was, or it broke off. */
async function pack({ containers }: SlugFileDeps, slug: Slug, slot: Disposable): Promise<Readable> {
  using beforehand = new DisposableStack()
  beforehand.use(slot)
  const tar = await containers.readSlug(slug.image, AbortSignal.timeout(patience.totalMs))
  if (!tar) throw new PaasError('image_missing', `The image of the slug ${slug.id} was removed.`)
  const held = beforehand.move()
  const archive = slugArchive(tar)
  const packed = archive.pipe(createGzip())
  archive.once('error', (cause) => packed.destroy(cause))
  return packed.once('close', () => {
    archive.destroy()
    held.dispose()
  })
}

function draftAt(deps: SlugFileDeps, request: FastifyRequest, reply: FastifyReply): SlugDraft {
  const { store } = deps
  const id = holdAddress(deps, request, reply, 'put')
  if (store.slugs.find(id)) throw taken(id)
  const draft = store.slugDrafts.find(id)
  if (!draft || draft.expiresAt.getTime() <= Date.now()) throw gone()
  return draft
}

function slugAt(deps: SlugFileDeps, request: FastifyRequest, reply: FastifyReply): Slug {
  const { store } = deps
  const id = holdAddress(deps, request, reply, 'get')
  const slug = store.slugs.find(id)
  if (store.slugDrafts.find(id)) throw new PaasError('slug_empty', `Nothing was uploaded for the slug ${id} yet.`)
  if (!slug) throw gone()
  if (!Object.values(slug.processTypes).includes(null)) return slug
  throw new PaasError(
    'slug_not_packable',
    `The slug ${id} was built with a Dockerfile: it is an image without an archive.`,
  )
}

/** @throws not_found, forbidden */
function holdAddress(
  { grants, passes }: SlugFileDeps,
  { params }: FastifyRequest,
  reply: FastifyReply,
  direction: Direction,
): SlugId {
  const { slug: id, pass } = params as { slug: SlugId; pass: string }
  holdAnswer(grants, passes.open({ kind: `slug ${direction}`, id }, pass), reply)
  return id
}

function appOf({ apps }: Pick<Store, 'apps'>, { appId }: Slug | SlugDraft): App {
  const app = apps.find(appId)
  if (app) return app
  throw gone()
}

/** Counted for the app's owner: the client with the URL needs no account. */
function takeSlot({ accounts }: Pick<Store, 'accounts'>, slots: TransferSlots, app: App): Disposable {
  const owner = accounts.find(app.ownerId)
  if (owner) return slots.take(app, owner)
  throw new PaasError('internal', `The app ${app.id} has no owner.`)
}

function taken(id: SlugId): PaasError {
  return new PaasError('slug_taken', `The slug ${id} has its files already.`)
}

function gone(): PaasError {
  return new PaasError('not_found', 'There is no such slug, or its URL has expired after an hour.', {
    hint: 'Request a new URL: POST /apps/APP/slugs, or GET /apps/APP/slugs/SLUG',
  })
}
