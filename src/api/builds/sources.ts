import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../../config.ts'
import { PaasError } from '../../errors.ts'
import { checkDiskSpace } from '../../source/disk-space.ts'
import { ClientGone, openBody } from '../../source/body.ts'
import type { Grant } from '../../model/grant.ts'
import type { AccountId, SourceId } from '../../model/ids.ts'
import { sourcePath, type Source } from '../../model/source.ts'
import { appOf, askerOf } from '../http/access.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { holdAnswer } from '../http/held-answer.ts'
import { lifetimes, type Passes } from '../http/passes.ts'
import { claimedBytes, mebibytes, patience, takeAnyBody } from '../http/upload.ts'

export type SourceDeps = Pick<ApiDeps, 'store' | 'grants'> & {
  config: Pick<Config, 'publicUrl' | 'paths' | 'limits'>
  passes: Passes
}

type Addresses = Pick<SourceDeps, 'config' | 'passes'>
type Direction = 'put' | 'get'

/** What one account may have waiting: places, and bytes in them in terms of the largest tarball. */
const most = { places: 100, largest: 4 }

export function sourceRoutes(api: Api, deps: SourceDeps): void {
  const { store } = deps
  api.post('/sources', (request, reply) => reply.code(201).send(create(deps, { ...askerOf(request), app: null })))
  api.post('/apps/:app/sources', (request, reply) => {
    appOf(store, request)
    return reply.code(201).send(create(deps, { ...askerOf(request), app: null }))
  })
}

/** Where tarballs go and come from: no token, the address is the secret. */
export function sourceFileRoutes(api: Api, deps: SourceDeps): void {
  void api.register(async (files: Api) => {
    takeAnyBody(files)
    files.put('/sources/:source/put/:pass', { bodyLimit: deps.config.limits.packBytes }, async (request, reply) => {
      await upload(deps, placeOf(deps, request, reply, 'put'), request)
      return reply.type('text/plain; charset=utf-8').send('')
    })
    files.get('/sources/:source/get/:pass', (request, reply) => {
      const { id, state } = placeOf(deps, request, reply, 'get')
      if (state.kind !== 'uploaded') throw new PaasError('not_found', 'Nothing was uploaded there yet.')
      reply.headers({ 'content-type': 'application/gzip', 'content-length': state.bytes })
      return reply.send(createReadStream(sourcePath(deps.config.paths.sources, id)))
    })
  })
}

export function getUrlOf(deps: Addresses, id: SourceId, grant: Grant): string {
  return urlOf(deps, id, 'get', grant)
}

/**
 * The upload that a `get_url` of this server names; undefined for the URL of another.
 * @throws not_found, forbidden, source_missing
 */
export function uploadAt(deps: SourceDeps, url: string): SourceId | undefined {
  const prefix = `${deps.config.publicUrl}/sources/`
  if (!url.startsWith(prefix)) return undefined
  const [id = '', direction, pass = ''] = url.slice(prefix.length).split('/')
  if (direction !== 'get') throw gone()
  deps.grants.check(deps.passes.open({ kind: 'source get', id }, pass))
  const source = deps.store.sources.find(id as SourceId)
  if (!source || isOver(source)) throw gone()
  if (source.state.kind === 'uploaded') return source.id
  throw new PaasError('source_missing', 'Nothing was uploaded to the put_url of this source yet.')
}

function create(deps: SourceDeps, grant: Grant): object {
  const source = deps.store.transaction(() => {
    checkUsage(deps, grant.accountId)
    return deps.store.sources.create(grant.accountId, new Date(Date.now() + lifetimes.file))
  })
  return {
    source_blob: { get_url: urlOf(deps, source.id, 'get', grant), put_url: urlOf(deps, source.id, 'put', grant) },
  }
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
      throw new PaasError('source_taken', 'A tarball was already uploaded to this URL.')
  })
  try {
    store.sources.complete(id, await receive(sourcePath(config.paths.sources, id), request, packBytes))
  } catch (cause) {
    store.sources.giveUp(id)
    throw cause instanceof ClientGone ? new PaasError('bad_request', 'The upload was interrupted.', { cause }) : cause
  }
}

/** The file appears under its name only when it is complete. Returns its bytes. */
async function receive(path: string, { raw }: FastifyRequest, bytes: number): Promise<number> {
  const draft = createWriteStream(`${path}.part`, { flags: 'w', mode: 0o660, flush: true })
  try {
    await pipeline(openBody(raw, { bytes, ...patience }), draft)
    await rename(`${path}.part`, path)
    return draft.bytesWritten
  } catch (cause) {
    await rm(`${path}.part`, { force: true })
    throw cause
  }
}

function placeOf(
  { store, grants, passes }: SourceDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  direction: Direction,
): Source {
  const { source: id, pass } = request.params as { source: SourceId; pass: string }
  const grant = passes.open({ kind: `source ${direction}`, id }, pass)
  const source = store.sources.find(id)
  if (!source || isOver(source)) throw gone()
  holdAnswer(grants, grant, reply)
  return source
}

function isOver({ expiresAt }: Source): boolean {
  return expiresAt.getTime() <= Date.now()
}

function urlOf({ config, passes }: Addresses, id: SourceId, direction: Direction, grant: Grant): string {
  const pass = passes.issue({ kind: `source ${direction}`, id }, grant, lifetimes.file)
  return `${config.publicUrl}/sources/${id}/${direction}/${pass}`
}

function gone(): PaasError {
  return new PaasError('not_found', 'There is no such source, or its URL has expired after an hour.', {
    hint: 'Create a new one: POST /sources',
  })
}
