import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { AppLogReader, ReadLine } from '../logs/app-log.ts'
import { formatLine } from '../logs/line.ts'
import type { AppId } from '../model/ids.ts'
import type { Store } from '../store/store.ts'
import type { Api } from './deps.ts'
import { sessionOf, type LogSession } from './log-sessions.ts'
import type { SignedPaths } from './signed-path.ts'

type Deps = {
  store: Pick<Store, 'accounts' | 'apps' | 'collaborators'>
  appLog: AppLogReader
  log: Logger
  signedPaths: SignedPaths
}

/** Readers of one app's log at a time. */
const mostReaders = 100
/** A comment this often keeps what lies between from taking a quiet log for a dead connection, milliseconds. */
const heartbeat = 20_000
const lookEvery = 1000

/**
 * The log of a session, without a token: the address is the secret. As server-sent events, where `Last-Event-ID` says
 * what was seen already, or as plain text.
 */
export function logStreamRoute(api: Api, deps: Deps): void {
  const readers = new Map<AppId, number>()
  const closing = new AbortController()
  // Whoever follows a log would keep the server from closing.
  api.addHook('preClose', async () => closing.abort())

  api.get('/streams/logs', { exposeHeadRoute: false }, async (request, reply) => {
    const session = sessionOf(deps.signedPaths, request)
    const { appId, filter } = session
    if (!deps.store.apps.find(appId)) throw new PaasError('not_found', 'The app of this log session is gone.')
    if (!maySee(deps.store, session)) throw new PaasError('forbidden', 'Whoever asked for this log may see it no more.')
    const count = readers.get(appId) ?? 0
    if (count >= mostReaders) {
      throw new PaasError('rate_limit', `${mostReaders} readers follow the log of this app already.`)
    }
    readers.set(appId, count + 1)
    try {
      const wanted = { ...filter, ...resumption(request) }
      await stream(
        deps,
        { ...session, filter: wanted },
        { events: wantsEvents(request), reply, closing: closing.signal },
      )
    } finally {
      const left = (readers.get(appId) ?? 1) - 1
      if (left === 0) readers.delete(appId)
      else readers.set(appId, left)
    }
  })
}

async function stream(
  { store, appLog, log }: Deps,
  session: LogSession,
  { events, reply, closing }: { events: boolean; reply: FastifyReply; closing: AbortSignal },
): Promise<void> {
  const { raw } = reply.hijack()
  const gone = new AbortController()
  raw.once('close', () => gone.abort())
  raw.writeHead(200, {
    'Content-Type': events ? 'text/event-stream' : 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
  })
  raw.flushHeaders()
  const timer = setInterval(() => events && raw.write(':\n\n'), heartbeat)
  try {
    const lines = appLog.read(session.appId, session.filter, AbortSignal.any([gone.signal, closing]))
    const allowed = whileAllowed(lines, () => maySee(store, session))
    await pipeline(Readable.from(encode(allowed, events ? asEvent : formatLine)), raw)
  } catch (cause) {
    if (!gone.signal.aborted) log.error({ err: cause, app: session.appId }, 'log stream broke off')
    raw.destroy()
  } finally {
    clearInterval(timer)
  }
}

/** Whether whoever asked for the log has an account that is open, and a role for the app. */
function maySee({ accounts, apps, collaborators }: Deps['store'], { accountId, appId }: LogSession): boolean {
  const [account, app] = [accounts.find(accountId), apps.find(appId)]
  return account?.suspendedAt === null && app !== undefined && collaborators.roleOf(account, app) !== undefined
}

/** Looked at again before a line is given, once a second at most: a tail may be open for days. */
async function* whileAllowed(lines: AsyncIterable<ReadLine>, isAllowed: () => boolean): AsyncGenerator<ReadLine> {
  let looked = performance.now()
  for await (const line of lines) {
    if (performance.now() - looked >= lookEvery) {
      if (!isAllowed()) return
      looked = performance.now()
    }
    yield line
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
