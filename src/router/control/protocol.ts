import type { RequestFigures, Minute, RequestTotals, RoleFigures } from '../../model/figures.ts'
import { isDataDoors, type DataDoor } from '../../model/data-door.ts'
import type { AppId } from '../../model/ids.ts'
import type { AppRoute, Proofs, RoutingTable, Target } from '../../model/route.ts'
import type { Counters } from '../counters.ts'
import { isAppRoute, isProofs, isRoutingTable, isTextList } from '../table/table-schema.ts'

/**
 * What is said on the control socket: one call per connection, a line of JSON each way. The one who
 * answers closes.
 */
export type Call =
  | { call: 'install'; table: RoutingTable }
  | { call: 'switchTo'; route: AppRoute }
  | { call: 'remove'; appId: AppId }
  | { call: 'drain'; targetIds: string[]; timeoutMs: number }
  | { call: 'silences'; forMs: number }
  | { call: 'prove'; proofs: Proofs }
  | { call: 'doors'; doors: DataDoor[] }
  | { call: 'status' }
  /** What another process of the same router starts from. */
  | { call: 'table' }
  | { call: 'measurements' }
  | { call: 'minute'; appId: AppId }
  | { call: 'retire' }
  /**
   * No server looks after the router any more: it ends when none takes over within `seconds`, if
   * they are given.
   */
  | { call: 'awaitSuccessor'; seconds?: number }

export type Results = {
  install: null
  switchTo: Target[]
  remove: null
  drain: { unfinished: number }
  silences: Silence[]
  /** Hosts that have been asked for since the last call and have no certificate. */
  prove: string[]
  /** Why some could not be opened, by port. */
  doors: Record<number, string>
  status: RouterStatus
  table: { table: RoutingTable; proofs: Proofs }
  measurements: RouterFigures
  minute: MinuteUnderWay
  /** What the router that takes over starts from. */
  retire: RoutingTable
  awaitSuccessor: null
}

/** A target of which nothing has come: no answer or part of one, and nothing from a WebSocket. */
export type Silence = {
  id: string
  /** Since it was heard last, or became a target. */
  silentMs: number
  /** Something was asked of it after that, or has no answer yet. */
  owes: boolean
  /** It waits for a visitor, who sends a request or takes an answer slowly. */
  held: boolean
}

export type RouterStatus = {
  pid: number
  /** Of all its processes that answer; `pid` is the first one's. */
  pids: number[]
  /** The same in all processes that one supervisor started. */
  group: string
  /** The package's version. */
  version: string
  settings: RouterSettings
  counters: ReturnType<Counters['toJSON']>
}

/** Everything since this router started. */
export type RouterFigures = {
  /** Keyed by app id. */
  apps: Record<string, RequestTotals>
  counters: ReturnType<Counters['toJSON']>
  /** Open ones. */
  connections: number
  /** Lines of app metrics that could not be written. */
  dropped: number
  process: RoleFigures
}

/** One app's requests that are in no file yet; null without any. */
export type MinuteUnderWay = { minute: Minute; requests: RequestFigures } | null

/** What a running router cannot change: other values need a new process. */
export type RouterSettings = { httpPort: number; httpsPort: number | undefined }

/** Whether a router with these settings has the port. */
export function hasPort(settings: RouterSettings | undefined, port: number): boolean {
  return settings !== undefined && [settings.httpPort, settings.httpsPort].includes(port)
}

export type ControlReply = { result: unknown } | { error: { code: string; message: string } }

/** Bytes of the longest call: 10,000 apps need about 4 MiB. */
export const longestCall = 64 * 2 ** 20

export function isCall(value: unknown): value is Call {
  const { call, ...rest } = (value ?? {}) as { call?: unknown } & Record<string, unknown>
  switch (call) {
    case 'install':
      return isRoutingTable(rest['table'])
    case 'switchTo':
      return isAppRoute(rest['route'])
    case 'remove':
    case 'minute':
      return typeof rest['appId'] === 'string'
    case 'drain':
      return isTextList(rest['targetIds']) && Number(rest['timeoutMs']) >= 0
    case 'awaitSuccessor':
      return rest['seconds'] === undefined || Number(rest['seconds']) >= 0
    case 'prove':
      return isProofs(rest['proofs'])
    case 'doors':
      return isDataDoors(rest['doors'])
    case 'silences':
      return Number(rest['forMs']) >= 0
    case 'status':
    case 'table':
    case 'measurements':
    case 'retire':
      return true
    default:
      return false
  }
}
