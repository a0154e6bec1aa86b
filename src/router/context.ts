import type { AppLogWriter } from '../logs/app-log.ts'
import type { Counters } from './counters.ts'
import type { RouterLimits } from './limits.ts'
import type { Measurements } from './measurements.ts'
import type { Routes } from './routes.ts'

/** What all connections of one router share. */
export type RouterContext = {
  routes: Routes
  limits: RouterLimits
  appLog: Pick<AppLogWriter, 'write'>
  counters: Counters
  measurements: Pick<Measurements, 'record'>
  /** Answers end their connections from now on. */
  stopping: boolean
  /** The Date header of this second. */
  date: string
}
