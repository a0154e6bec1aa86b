import { join } from 'node:path'
import type { AccountId, SourceId } from './ids.ts'

/** A place for one uploaded tarball. */
export type Source = {
  id: SourceId
  accountId: AccountId
  state: SourceState
  createdAt: Date
  /** Until then it takes its tarball, and builds may be asked for with it. */
  expiresAt: Date
}

export type SourceState =
  | { kind: 'empty' }
  /** `bytes` is what the upload may grow to. */
  | { kind: 'uploading'; bytes: number }
  | { kind: 'uploaded'; bytes: number }

/** How much of an app's source is taken. */
export type SourceLimits = {
  /** Total of all files. */
  sourceBytes: number
  /** Files and directories together. */
  sourceFiles: number
}

/** What a build is made of that is not a commit somebody pushed. */
export type BuildSource = {
  from: { kind: 'upload'; id: SourceId } | { kind: 'url'; url: string }
  /** What its author calls it; shown where a commit would be. */
  version: string | null
  description: string | null
  /** SHA-256 of the tarball as it comes, 64 lower-case hex digits. */
  sha256: string | null
}

/** The commit of a build whose tarball was not fetched yet: git's null id. */
export const noCommit = '0'.repeat(40)

/** Where the tarball of an upload is. */
export function sourcePath(directory: string, id: SourceId): string {
  return join(directory, `${id}.tgz`)
}
