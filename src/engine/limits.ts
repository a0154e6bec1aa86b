import type { DynoExit } from '../model/dyno-exit.ts'
import type { Machine } from '../model/machine.ts'

/** Limits above the machine's size are reduced to it. */
export type Limits = Machine & {
  pids: number
  /** Disk limit of a sandbox with its cache, checked every few seconds; undefined: none. */
  diskMiB?: number
}

export type DynoState =
  | { kind: 'running'; since: Date }
  /** It is started again at `nextStart`, or before. */
  | { kind: 'restarting'; since: Date; exit: DynoExit; nextStart: Date }
  | { kind: 'exited'; since: Date; exit: DynoExit }
  | { kind: 'created' }
  /** Its processes were paused, or their network was disconnected. */
  | { kind: 'stuck'; since: Date; by: 'pause' | 'network' }
