import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { PaasError } from '../errors.ts'
import type { LogFilter } from '../logs/app-log.ts'
import { newId, type AccountId, type AppId } from '../model/ids.ts'
import { appOf } from './access.ts'
import type { Api, ApiDeps } from './deps.ts'
import { time } from './shapes.ts'
import type { SignedPaths } from './signed-path.ts'

/** How long the address of a session may be opened, milliseconds. A tail that is open stays open. */
const lifetime = 5 * 60_000

const text = Type.Optional(Type.Union([Type.String({ maxLength: 200 }), Type.Null()]))
const newSession = Type.Object(
  {
    lines: Type.Optional(Type.Integer({ minimum: 0, maximum: 1500 })),
    tail: Type.Optional(Type.Boolean()),
    source: text,
    dyno: text,
    type: text,
    dyno_name: text,
  },
  { additionalProperties: false },
)

/** What a session's address says; it is signed, so the server keeps nothing for it. */
export type LogSession = { appId: AppId; accountId: AccountId; filter: LogFilter; expiresAt: number }

/** `POST /apps/:app/log-sessions`: an address that shows a part of the app's log to whoever has it, for a while. */
export function logSessionRoutes(
  api: Api,
  { store, config, signedPaths }: Pick<ApiDeps, 'store' | 'config'> & { signedPaths: SignedPaths },
): void {
  api.post('/apps/:app/log-sessions', { config: { role: 'view' }, schema: { body: newSession } }, (request, reply) => {
    const { id: appId } = appOf(store, request)
    const now = new Date()
    const accountId = request.identity.account.id
    const session = { appId, accountId, filter: filterOf(request.body), expiresAt: now.getTime() + lifetime }
    reply.code(201)
    return {
      created_at: time(now),
      id: newId(),
      logplex_url: `${config.publicUrl}/streams/logs?${seal(signedPaths, session)}`,
      updated_at: time(now),
    }
  })
}

/** The session of a request for its log. @throws not_found for a forged or expired one */
export function sessionOf(signedPaths: SignedPaths, { query }: FastifyRequest, now = Date.now()): LogSession {
  const { session = '', signature = '' } = query as { session?: string; signature?: string }
  if (!signedPaths.verify('log session', String(session), String(signature))) {
    throw new PaasError('not_found', 'There is no such log session.')
  }
  const opened = JSON.parse(Buffer.from(session, 'base64url').toString()) as LogSession
  if (opened.expiresAt >= now) return opened
  throw new PaasError('not_found', 'This log session has expired.', { hint: 'Make another one.' })
}

function seal(signedPaths: SignedPaths, session: LogSession): string {
  const sealed = Buffer.from(JSON.stringify(session)).toString('base64url')
  return new URLSearchParams({ session: sealed, signature: signedPaths.sign('log session', sealed) }).toString()
}

/** Heroku's CLI sends a dyno or a type as `dyno`, or as `dyno_name` and `type`. @throws invalid_params */
function filterOf(body: Static<typeof newSession>): LogFilter {
  const { lines = 100, tail = false, source } = body
  const process = body.dyno_name ?? body.dyno ?? body.type
  if (process && !/^[\w-]+(\.\d+)?$/.test(process)) {
    throw new PaasError('invalid_params', `dyno is ${JSON.stringify(process)}; it must be like web.1 or web.`)
  }
  if (source && source !== 'app' && source !== 'heroku') {
    throw new PaasError('invalid_params', `source is ${JSON.stringify(source)}; it must be app or heroku.`)
  }
  return { lines, follow: tail, ...(source ? { source } : {}), ...(process ? { process } : {}) }
}
