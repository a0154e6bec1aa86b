import { randomUUID } from 'node:crypto'
import type { RouterContext } from './context.ts'
import { parseHost } from './http/host.ts'
import type { Origin } from './origin.ts'
import { recordRequest } from './request-log.ts'
import type { Answer } from './router-error.ts'

const firstLine = /^(\S{1,32})[ \t]+(\S*)/
/** Takes linear time on any input: blanks are trimmed afterwards. */
const hostLine = /\nhost:([^\r\n]*)\r?\n/i

export type RefusedRequest = {
  /** As much of its head as came, in latin1. */
  head: string
  answer: Answer
  origin: Pick<Origin, 'address' | 'scheme'>
}

/**
 * Counts and logs a request that the router does not pass on.
 * @returns its id
 */
export function noteRefusal(
  context: Pick<RouterContext, 'routes' | 'appLog' | 'measurements' | 'counters'>,
  refused: RefusedRequest,
): string {
  const { counters } = context
  const { code } = refused.answer
  counters.refusedRequests++
  if (code !== undefined) counters.error(code)
  const requestId = randomUUID()
  logRefusal(context, requestId, refused)
  return requestId
}

/** In the log of the app that its Host names, if it names one. */
function logRefusal(
  context: Pick<RouterContext, 'routes' | 'appLog' | 'measurements'>,
  requestId: string,
  { head, answer, origin }: RefusedRequest,
): void {
  const authority = hostLine.exec(head)?.[1]?.trim() ?? ''
  const host = parseHost(authority)
  const app = host === undefined ? undefined : context.routes.find(host)?.app
  if (app === undefined) return
  const [, method = '', target = ''] = firstLine.exec(head) ?? []
  const { status, code, refusal } = answer
  const request = { method, target, authority }
  const reached = { dyno: '', times: undefined, bytes: 0 }
  recordRequest(context, { appId: app.id, request, requestId, origin, ...reached, status, code, refusal })
}
