import type { StoredHistogram } from './histogram.ts'
import type { DynoFigures } from './minute.ts'
import type { RoleFigures } from './role-meter.ts'

/** The dynos of one app at the last look. `figures` are of those that ran. */
export type DynoStates = { states: Record<string, number>; figures: DynoFigures | undefined }

/** What the worker tells, since it started. */
export type WorkerFigures = {
  process: RoleFigures
  /** By the app's id. */
  apps: Record<string, DynoStates>
  /** By the verdict. */
  builds: Record<string, number>
  /** Milliseconds, by phase. */
  phases: Record<string, StoredHistogram>
  /** Lines of apps' figures that could not be written. */
  dropped: number
}
