import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { Asker } from '../../model/grant.ts'
import type { ReleaseId } from '../../model/ids.ts'
import type { Release } from '../../model/release.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { holdAnswer } from '../http/held-answer.ts'
import { lifetimes, type Passes } from '../http/passes.ts'

type Deps = Pick<ApiDeps, 'store' | 'grants' | 'output' | 'log'> & { passes: Passes }

const kind = 'release output'
const params = Type.Object({ release: Type.String(), pass: Type.String() })

/**
 * Where the output of a release's command is read; null for one without a command, and for one
 * whose command never ran, since a newer release took its place or it failed before.
 */
export function releaseOutputUrl(
  { store, config, output, passes }: Pick<ApiDeps, 'store' | 'config' | 'output'> & { passes: Passes },
  { id, appId, slugId, state }: Release,
  asker: Asker,
): string | null {
  const slug = slugId === null ? undefined : store.slugs.find(slugId)
  const runs = Boolean(slug?.processTypes['release']) && (state.kind === 'pending' || output.hasBegun(id))
  if (!runs) return null
  const grant = { ...asker, app: { id: appId, role: 'view' } } as const
  return `${config.publicUrl}/streams/releases/${id}/${passes.issue({ kind, id }, grant, lifetimes.output)}`
}

/**
 * What a release's command prints, as it happens. Needs no token: the address is the secret. 404
 * until the command has started.
 */
export function releaseOutputRoute(api: Api, { store, grants, output, log, passes }: Deps): void {
  const closing = new AbortController()
  api.addHook('preClose', async () => closing.abort())
  const options = { schema: { params }, exposeHeadRoute: false }
  api.get('/streams/releases/:release/:pass', options, async (request, reply) => {
    const { release, pass } = request.params
    const grant = passes.open({ kind, id: release }, pass)
    const id = store.releases.find(release as ReleaseId)?.id
    if (!id || !output.hasBegun(id)) throw new PaasError('not_found', 'There is no such output, or not yet.')
    const ended = holdAnswer(grants, grant, reply)
    const { raw } = reply.hijack()
    const gone = new AbortController()
    raw.once('close', () => gone.abort())
    const signal = AbortSignal.any([gone.signal, closing.signal, ended])
    raw.writeHead(200, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    })
    raw.flushHeaders()
    try {
      await pipeline(Readable.from(bytesOf(output.read(id, 0, signal))), raw)
    } catch (cause) {
      // Destroyed, not ended: the client must see that the output is incomplete.
      if (!signal.aborted) log.error({ err: cause, release: id }, 'release output broke off')
      raw.destroy()
    }
  })
}

async function* bytesOf(pieces: AsyncIterable<{ bytes: Buffer }>): AsyncGenerator<Buffer> {
  for await (const { bytes } of pieces) yield bytes
}
