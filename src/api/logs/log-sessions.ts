import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { LogFilter } from '../../model/app-log.ts'
import type { Grant } from '../../model/grant.ts'
import { newId, type AppId } from '../../model/ids.ts'
import { appOf, askerOf } from '../http/access.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { lifetimes, type Passes } from '../http/passes.ts'
import { time } from '../http/shapes.ts'

const kind = 'log session'

const text = Type.Optional(Type.Union([Type.String({ maxLength: 200 }), Type.Null()]))
const position = Type.Optional(Type.String({ maxLength: 60, pattern: '^[\\d:-]+$' }))
const moment = Type.Optional(Type.String({ maxLength: 40 }))
const newSession = Type.Object(
  {
    lines: Type.Optional(Type.Integer({ minimum: 0, maximum: 1500 })),
    tail: Type.Optional(Type.Boolean()),
    source: text,
    dyno: text,
    type: text,
    dyno_name: text,
    // These are ours, for the dashboard and for whoever looks for something.
    after: position,
    before: position,
    text,
    since: moment,
    until: moment,
  },
  { additionalProperties: false },
)

/** What a session's address says; it is signed, so the server keeps nothing for it. */
export type LogSession = { appId: AppId; filter: LogFilter }

/** `POST /apps/:app/log-sessions`: a URL that shows a part of the app's log, valid for a while. */
export function logSessionRoutes(
  api: Api,
  { store, config, passes }: Pick<ApiDeps, 'store' | 'config'> & { passes: Passes },
): void {
  api.post('/apps/:app/log-sessions', { config: { role: 'view' }, schema: { body: newSession } }, (request, reply) => {
    const { id: appId } = appOf(store, request)
    const now = new Date()
    const grant = { ...askerOf(request), app: { id: appId, role: 'view' } } as const
    const query = seal(passes, { appId, filter: filterOf(request.body) }, grant)
    reply.code(201)
    return {
      created_at: time(now),
      id: newId(),
      logplex_url: `${config.publicUrl}/streams/logs?${query}`,
      updated_at: time(now),
    }
  })
}

/**
 * The session of a request for its log, and what it was given for.
 * @throws not_found for a forged or expired one
 */
export function sessionOf(passes: Passes, { query }: FastifyRequest): LogSession & { grant: Grant } {
  const { session, pass } = query as { session?: unknown; pass?: unknown }
  const id = String(session)
  const grant = passes.open({ kind, id }, String(pass))
  return { ...(JSON.parse(Buffer.from(id, 'base64url').toString()) as LogSession), grant }
}

function seal(passes: Passes, session: LogSession, grant: Grant): string {
  const id = Buffer.from(JSON.stringify(session)).toString('base64url')
  return new URLSearchParams({ session: id, pass: passes.issue({ kind, id }, grant, lifetimes.log) }).toString()
}

/**
 * Heroku's CLI sends a dyno or a type as `dyno`, or as `dyno_name` and `type`.
 * @throws invalid_params
 */
function filterOf(body: Static<typeof newSession>): LogFilter {
  const { lines = 100, tail = false, source } = body
  const process = body.dyno_name ?? body.dyno ?? body.type
  if (process && !/^[\w-]+(\.\d+)?$/.test(process)) {
    throw new PaasError('invalid_params', `dyno is ${JSON.stringify(process)}; it must be like web.1 or web.`)
  }
  if (source && source !== 'app' && source !== 'heroku') {
    throw new PaasError('invalid_params', `source is ${JSON.stringify(source)}; it must be app or heroku.`)
  }
  return {
    lines,
    follow: tail,
    ...(source ? { source } : {}),
    ...(process ? { process } : {}),
    ...(body.after === undefined ? {} : { after: body.after }),
    ...(body.before === undefined ? {} : { before: body.before }),
    ...(body.text ? { text: body.text } : {}),
    ...(body.since === undefined ? {} : { since: timeIn('since', body.since) }),
    ...(body.until === undefined ? {} : { until: timeIn('until', body.until) }),
  }
}

/** @throws invalid_params */
function timeIn(name: string, text: string): number {
  const time = Date.parse(text)
  if (!Number.isNaN(time)) return time
  throw new PaasError('invalid_params', `${name} is ${JSON.stringify(text)}; it must be like 2026-01-31T12:00:00Z.`)
}
