import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PaasError } from '../../errors.ts'
import type { Grants } from '../../grants/grants.ts'
import type { Logger } from '../../log.ts'
import type { AppLogReader, LogFilter, ReadLine } from '../../model/app-log.ts'
import { formatLine } from '../../logs/line.ts'
import type { AppId } from '../../model/ids.ts'
import type { Store } from '../../store/store.ts'
import type { Api } from '../deps.ts'
import { holdAnswer } from '../http/held-answer.ts'
import { sessionOf } from './log-sessions.ts'
import type { Passes } from '../http/passes.ts'

type Deps = {
  store: Pick<Store, 'apps'>
  grants: Grants
  appLog: AppLogReader
  log: Logger
  passes: Passes
}

/** Readers of one app's log at a time. */
const mostReaders = 100
/**
 * A comment this often keeps what lies between from taking a quiet log for a dead connection,
 * milliseconds.
 */
const heartbeat = 20_000

/**
 * The log of a session, without a token: the address is the secret. As server-sent events, where
 * `Last-Event-ID` says what was seen already, or as plain text.
 */
export function logStreamRoute(api: Api, deps: Deps): void {
  const readers = new Map<AppId, number>()
  const closing = new AbortController()
  // A client that follows a log would keep the server from closing.
  api.addHook('preClose', async () => closing.abort())

  api.get('/streams/logs', { exposeHeadRoute: false }, async (request, reply) => {
    const { appId, filter, grant } = sessionOf(deps.passes, request)
    if (!deps.store.apps.find(appId)) throw new PaasError('not_found', 'The app of this log session was destroyed.')
    const count = readers.get(appId) ?? 0
    if (count >= mostReaders) {
      throw new PaasError('rate_limit', `${mostReaders} readers follow the log of this app, the limit.`)
    }
    const ending = AbortSignal.any([closing.signal, holdAnswer(deps.grants, grant, reply)])
    readers.set(appId, count + 1)
    try {
      const wanted = { ...filter, ...resumption(request) }
      await stream(deps, { appId, filter: wanted }, { events: wantsEvents(request), reply, ending })
    } finally {
      const left = (readers.get(appId) ?? 1) - 1
      if (left === 0) readers.delete(appId)
      else readers.set(appId, left)
    }
  })
}

async function stream(
  { appLog, log }: Deps,
  { appId, filter }: { appId: AppId; filter: LogFilter },
  { events, reply, ending }: { events: boolean; reply: FastifyReply; ending: AbortSignal },
): Promise<void> {
  const { raw } = reply.hijack()
  const gone = new AbortController()
  raw.once('close', () => gone.abort())
  raw.writeHead(200, {
    'Content-Type': events ? 'text/event-stream' : 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  raw.flushHeaders()
  const timer = setInterval(() => events && raw.write(':\n\n'), heartbeat)
  try {
    const lines = appLog.read(appId, filter, AbortSignal.any([gone.signal, ending]))
    await pipeline(Readable.from(encode(lines, events ? asEvent : formatLine)), raw)
  } catch (cause) {
    if (!gone.signal.aborted) log.error({ err: cause, app: appId }, 'log stream broke off')
    raw.destroy()
  } finally {
    clearInterval(timer)
  }
}

async function* encode(lines: AsyncIterable<ReadLine>, encodeLine: (line: ReadLine) => string): AsyncGenerator<string> {
  for await (const line of lines) yield encodeLine(line)
}

function asEvent(line: ReadLine): string {
  return `id: ${line.position}\ndata: ${formatLine(line)}\n`
}

function wantsEvents({ headers }: FastifyRequest): boolean {
  return headers.accept?.includes('text/event-stream') ?? false
}

function resumption({ headers }: FastifyRequest): { after?: string } {
  const last = headers['last-event-id']
  return typeof last === 'string' && last !== '' ? { after: last } : {}
}
