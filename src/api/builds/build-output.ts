import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import { isFinished } from '../../model/build.ts'
import type { BuildId } from '../../model/ids.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { holdAnswer } from '../http/held-answer.ts'
import type { Passes } from '../http/passes.ts'

type Deps = Pick<ApiDeps, 'store' | 'grants' | 'output' | 'log'>

/**
 * Milliseconds between looks at the database: a build that is cancelled or superseded before it
 * runs has no output that would end.
 */
const lookEvery = 500

const params = Type.Object({ build: Type.String(), pass: Type.String() })
const query = Type.Object({ offset: Type.Optional(Type.String({ pattern: '^\\d{1,15}$' })) })

/**
 * A build's output as it happens, from byte `offset` on, until the build ends, or what allows it.
 * Needs no token: the address is the secret.
 */
export function buildOutputRoute(api: Api, deps: Deps & { passes: Passes }): void {
  const closing = new AbortController()
  // A reader that follows a build would keep the server from closing.
  api.addHook('preClose', async () => closing.abort())
  const options = { schema: { params, querystring: query }, exposeHeadRoute: false }
  api.get('/streams/builds/:build/:pass', options, async (request, reply) => {
    const { build: id, pass } = request.params
    const grant = deps.passes.open({ kind: 'build output', id }, pass)
    const build = deps.store.builds.find(id as BuildId)?.id
    if (!build) throw new PaasError('not_found', 'There is no such output.')
    const ending = AbortSignal.any([closing.signal, holdAnswer(deps.grants, grant, reply)])
    await stream(deps, { build, offset: Number(request.query.offset ?? 0), ending }, reply)
  })
}

async function stream(
  deps: Deps,
  { build, offset, ending }: { build: BuildId; offset: number; ending: AbortSignal },
  reply: FastifyReply,
): Promise<void> {
  const { raw } = reply.hijack()
  const gone = new AbortController()
  raw.once('close', () => gone.abort())
  const signal = AbortSignal.any([gone.signal, ending])
  raw.writeHead(200, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  // The first byte may be minutes away, and proxies give up on an answer that does not begin.
  raw.flushHeaders()
  try {
    await pipeline(Readable.from(outputOf(deps, build, offset, signal)), raw)
  } catch (cause) {
    // Destroyed, not ended: the client must see that the output is incomplete.
    if (!signal.aborted) deps.log.error({ err: cause, build }, 'build output broke off')
    raw.destroy()
  }
}

async function* outputOf(
  { output, store }: Deps,
  id: BuildId,
  offset: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const neverRuns = new AbortController()
  const check = (): void => {
    const build = store.builds.find(id)
    if (!build || (isFinished(build.state) && build.generation === 0)) neverRuns.abort()
  }
  check()
  const timer = setInterval(check, lookEvery)
  try {
    for await (const { bytes } of output.read(id, offset, AbortSignal.any([signal, neverRuns.signal]))) yield bytes
  } catch (cause) {
    if (!neverRuns.signal.aborted) throw cause
  } finally {
    clearInterval(timer)
  }
}
