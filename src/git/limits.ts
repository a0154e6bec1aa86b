import type { TransferLimits } from '../source/transfer-slots.ts'

/** Limits of one push or fetch. */
export type GitLimits = TransferLimits & {
  packBytes: number
  /** Bytes of an app's repository. */
  repositoryBytes: number
  /** Milliseconds a client may pause, and take, while it sends. */
  idleMs: number
  totalMs: number
  /** Bytes that must be free on the disk before a push is taken. */
  freeBytes: number
}
