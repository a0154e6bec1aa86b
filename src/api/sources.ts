import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { PaasError } from '../errors.ts'
import { checkDiskSpace } from '../git/disk-space.ts'
import { ClientGone, openBody } from '../git/request-body.ts'
import type { AccountId, SourceId } from '../model/ids.ts'
import { sourcePath, type Source } from '../model/source.ts'
import { appOf } from './access.ts'
import type { Api, ApiDeps } from './deps.ts'
import type { SignedPaths } from './signed-path.ts'
import { claimedBytes, mebibytes, patience, takeAnyBody } from './upload.ts'

export type SourceDeps = Pick<ApiDeps, 'store'> & {
  config: Pick<Config, 'publicUrl' | 'paths' | 'limits'>
  signedPaths: SignedPaths
}

/** Milliseconds a place takes its tarball, and builds may be asked for with it. */
const lifetime = 3600_000
/** What one account may have waiting: places, and bytes in them in terms of the largest tarball. */
const most = { places: 100, largest: 4 }

export function sourceRoutes(api: Api, deps: SourceDeps): void {
  const { store } = deps
  api.post('/sources', (request, reply) => reply.code(201).send(create(deps, request.identity.account.id)))
  api.post('/apps/:app/sources', (request, reply) => {
    appOf(store, request)
    return reply.code(201).send(create(deps, request.identity.account.id))
  })
}

/** Where tarballs go and come from: no token, the address is the secret. */
export function sourceFileRoutes(api: Api, deps: SourceDeps): void {
  void api.register(async (files: Api) => {
    takeAnyBody(files)
    files.put(
      '/sources/:source/put/:signature',
      { bodyLimit: deps.config.limits.packBytes },
      async (request, reply) => {
        await upload(deps, placeOf(deps, request, 'put'), request)
        return reply.type('text/plain; charset=utf-8').send('')
      },
    )
    files.get('/sources/:source/get/:signature', (request, reply) => {
      const { id, state } = placeOf(deps, request, 'get')
      if (state.kind !== 'uploaded') throw new PaasError('not_found', 'Nothing was uploaded there yet.')
      reply.headers({ 'content-type': 'application/gzip', 'content-length': state.bytes })
      return reply.send(createReadStream(sourcePath(deps.config.paths.sources, id)))
    })
  })
}

export function getUrlOf({ config, signedPaths }: Omit<SourceDeps, 'store'>, id: SourceId): string {
  return urlOf({ config, signedPaths }, id, 'get')
}

/** The upload that a `get_url` of this server names; undefined for the URL of another. @throws not_found, source_missing */
export function uploadAt(deps: SourceDeps, url: string): SourceId | undefined {
  const prefix = `${deps.config.publicUrl}/sources/`
  if (!url.startsWith(prefix)) return undefined
  const [id = '', direction, signature = ''] = url.slice(prefix.length).split('/')
  const known = direction === 'get' && deps.signedPaths.verify('source get', id, signature)
  const source = known ? deps.store.sources.find(id as SourceId) : undefined
  if (!source || isOver(source)) throw gone()
  if (source.state.kind === 'uploaded') return source.id
  throw new PaasError('source_missing', 'Nothing was uploaded to the put_url of this source yet.')
}

function create(deps: SourceDeps, accountId: AccountId): object {
  const source = deps.store.transaction(() => {
    checkUsage(deps, accountId)
    return deps.store.sources.create(accountId, new Date(Date.now() + lifetime))
  })
  return { source_blob: { get_url: getUrlOf(deps, source.id), put_url: urlOf(deps, source.id, 'put') } }
}

function checkUsage({ store, config }: Pick<SourceDeps, 'store' | 'config'>, accountId: AccountId): void {
  const { count, bytes } = store.sources.usage(accountId)
  const limit = most.largest * config.limits.packBytes
  if (count < most.places && bytes < limit) return
  throw new PaasError(
    'sources_limit',
    `You have ${count} sources of ${mebibytes(bytes)} MiB waiting; the limits are ${most.places} and ${mebibytes(limit)} MiB.`,
  )
}

async function upload(
  { store, config }: SourceDeps,
  { id, accountId }: Source,
  request: FastifyRequest,
): Promise<void> {
  const { packBytes } = config.limits
  const claimed = claimedBytes(request, packBytes)
  await checkDiskSpace(config.paths.sources)
  store.transaction(() => {
    checkUsage({ store, config }, accountId)
    if (!store.sources.begin(id, claimed))
      throw new PaasError('source_taken', 'A tarball was sent to this address already.')
  })
  try {
    store.sources.complete(id, await receive(sourcePath(config.paths.sources, id), request, packBytes))
  } catch (cause) {
    store.sources.giveUp(id)
    throw cause instanceof ClientGone ? new PaasError('bad_request', 'The upload was cut off.', { cause }) : cause
  }
}

/** In place only once it is whole; gives its bytes. */
async function receive(path: string, { raw }: FastifyRequest, bytes: number): Promise<number> {
  const draft = createWriteStream(`${path}.part`, { flags: 'w', mode: 0o600, flush: true })
  try {
    await pipeline(openBody(raw, { bytes, ...patience }), draft)
    await rename(`${path}.part`, path)
    return draft.bytesWritten
  } catch (cause) {
    await rm(`${path}.part`, { force: true })
    throw cause
  }
}

function placeOf({ store, signedPaths }: SourceDeps, request: FastifyRequest, direction: 'put' | 'get'): Source {
  const { source: id, signature } = request.params as { source: SourceId; signature: string }
  const source = signedPaths.verify(`source ${direction}`, id, signature) ? store.sources.find(id) : undefined
  if (!source || isOver(source)) throw gone()
  return source
}

function isOver({ expiresAt }: Source): boolean {
  return expiresAt.getTime() <= Date.now()
}

function urlOf({ config, signedPaths }: Omit<SourceDeps, 'store'>, id: SourceId, direction: 'put' | 'get'): string {
  return `${config.publicUrl}/sources/${id}/${direction}/${signedPaths.sign(`source ${direction}`, id)}`
}

function gone(): PaasError {
  return new PaasError('not_found', 'There is no such source, or its hour is over.', {
    hint: 'Ask for a new one: POST /sources',
  })
}
