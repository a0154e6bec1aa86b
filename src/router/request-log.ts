import type { AppId } from '../model/ids.ts'
import type { RouterContext } from './context.ts'
import type { RequestHead } from './http/request-head.ts'
import type { Origin } from './origin.ts'
import { routerErrors, type RouterCode } from './router-error.ts'

/** One request as it is told in the app's log. */
export type RequestRecord = {
  appId: AppId
  request: Pick<RequestHead, 'method' | 'target' | 'authority'>
  requestId: string
  origin: Pick<Origin, 'address' | 'scheme'>
  /** Empty if it reached no dyno. */
  dyno: string
  /** Milliseconds until it was connected, and from then on; undefined when it never was. */
  times: { connect: number; service: number } | undefined
  status: number
  bytes: number
  code: RouterCode | undefined
  /** Why it was not passed on. */
  refusal: string | undefined
}

const longestPath = 2_048

/** Writes one line per request into the log of its app, in Heroku's form, and counts it. */
export function recordRequest(
  { appLog, measurements }: Pick<RouterContext, 'appLog' | 'measurements'>,
  record: RequestRecord,
): void {
  measurements.record(record)
  appLog.write(record.appId, { time: new Date(), source: 'heroku', process: 'router', text: formatRecord(record) })
}

function formatRecord(record: RequestRecord): string {
  const { request, requestId, origin, dyno, status, bytes } = record
  return (
    `at=${formatVerdict(record)} method=${request.method} path="${quotable(request.target)}" host=${request.authority}` +
    ` request_id=${requestId} fwd="${origin.address}"` +
    ` dyno=${dyno} connect=${milliseconds(record.times?.connect)} service=${milliseconds(record.times?.service)}` +
    ` status=${status} bytes=${bytes} protocol=${origin.scheme}`
  )
}

function formatVerdict({ code, refusal }: RequestRecord): string {
  if (code !== undefined) return `${levelOf(code)} code=${code} desc="${routerErrors[code].description}"`
  return refusal === undefined ? 'info' : `warning desc="Refused: ${quotable(refusal)}"`
}

function levelOf(code: RouterCode): string {
  if (code === 'H80' || code === 'H81') return 'info'
  return code === 'H27' || code === 'H28' ? 'warning' : 'error'
}

function quotable(target: string): string {
  const path = target.length > longestPath ? `${target.slice(0, longestPath)}…` : target
  return path.includes('"') || path.includes('\\') ? path.replace(/["\\]/g, '\\$&') : path
}

function milliseconds(time: number | undefined): string {
  return time === undefined ? '' : `${Math.round(time)}ms`
}
