import type { AppLogWriter } from '../logs/app-log.ts'
import type { AppId } from '../model/ids.ts'
import { routerErrors, type RouterCode } from './router-error.ts'

/** One request as it is told in the app's log. */
export type RequestRecord = {
  appId: AppId
  method: string
  target: string
  host: string
  requestId: string
  address: string
  scheme: 'http' | 'https'
  dyno: string
  /** Milliseconds until it was connected, and from then on; undefined when it never was. */
  times: { connect: number; service: number } | undefined
  status: number
  bytes: number
  code: RouterCode | undefined
}

const longestPath = 2_048

/** Writes one line per request into the log of its app, in Heroku's form. */
export function logRequest(appLog: Pick<AppLogWriter, 'write'>, record: RequestRecord): void {
  appLog.write(record.appId, { time: new Date(), source: 'heroku', process: 'router', text: formatRecord(record) })
}

function formatRecord(record: RequestRecord): string {
  const { code, method, host, requestId, address, dyno, status, bytes } = record
  return (
    `at=${code === undefined ? 'info' : `${levelOf(code)} code=${code} desc="${routerErrors[code].description}"`}` +
    ` method=${method} path="${quotable(record.target)}" host=${host} request_id=${requestId} fwd="${address}"` +
    ` dyno=${dyno} connect=${milliseconds(record.times?.connect)} service=${milliseconds(record.times?.service)}` +
    ` status=${status} bytes=${bytes} protocol=${record.scheme}`
  )
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
