import type { AppLogWriter } from '../model/app-log.ts'
import type { AppConnections } from './app-connections.ts'
import type { AddressCounter } from './address-counter.ts'
import type { Counters } from './counters.ts'
import type { HeldRequests } from './held-requests.ts'
import type { RouterLimits } from './limits.ts'
import type { Measurements } from './measurements.ts'
import type { Origins } from './origin.ts'
import type { LiveRoutes } from './live-routes.ts'
import type { PageCache } from './page-cache.ts'
import type { LiveProofs } from './live-proofs.ts'

/** What all connections of one router share. */
export type RouterContext = {
  routes: LiveRoutes
  limits: RouterLimits
  appLog: Pick<AppLogWriter, 'write'>
  counters: Counters
  measurements: Pick<Measurements, 'record'>
  origins: Origins
  /** Counts the connections of visitors, and the requests of those behind a trusted proxy. */
  addresses: AddressCounter
  /** Counts the connections of visitors for the apps that they ask for. */
  appConnections: AppConnections
  held: HeldRequests
  pages: PageCache | undefined
  proofs: Pick<LiveProofs, 'answerTo' | 'want'>
  /** Under which visitors reach the TLS port; undefined: there is none. */
  tlsPort: number | undefined
  /** Answers end their connections from now on. */
  stopping: boolean
  /** The Date header of this second. */
  date: string
}
