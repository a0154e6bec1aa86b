/**
 * What a look at the server's machine found of one thing: what is, whether that is good, and what
 * to do. `unknown`: it could not be looked at.
 */
export type Finding = {
  /** `disk`, `names`, … */
  name: string
  state: FindingState
  message: string
  advice: string | null
}

type FindingState = 'good' | 'warning' | 'bad' | 'unknown'

/** What a process of the server found last, for the API. `checkedAt` in milliseconds since 1970. */
export type SavedFindings = { checkedAt: number; findings: Finding[]; backups?: ToldBackup[] }

/** A backup of the server, as it is told; times in milliseconds since 1970. */
export type ToldBackup = {
  startedAt: number
  endedAt: number | null
  state: 'running' | 'succeeded' | 'failed'
  reason: string | null
  apps: number | null
  /** What it holds, and what the target did not have. */
  bytes: number | null
  addedBytes: number | null
}
