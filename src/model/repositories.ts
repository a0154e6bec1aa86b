import type { Readable } from 'node:stream'
import type { AppId, BuildId } from './ids.ts'

/**
 * `grow` is told before the bytes that the repository is to grow by are taken over, and throws when
 * they are too many.
 */
export type TarballToImport = { bytes: Readable; grow(bytes: number): void }

/** The bare repositories, one per app, in `paths.repositories`. */
export interface Repositories {
  /**
   * Makes the app's repository if there is none, and brings its configuration up to date. Returns
   * its path.
   */
  ensure(appId: AppId): Promise<string>
  remove(appId: AppId): Promise<void>
  /**
   * Whether the commit's tree may be deployed at all.
   * @throws source_invalid when it is over the limits or holds what is refused
   */
  inspect(appId: AppId, commit: string, signal: AbortSignal): Promise<void>
  /**
   * A tar of the commit's tree, byte for byte what was committed (no export-ignore, no filters).
   * @throws source_invalid as `inspect` does
   */
  archive(appId: AppId, commit: string, signal: AbortSignal): Promise<Readable>
  /**
   * Makes a tarball, gzipped or not, a commit that is kept for the build, and gives it. Nothing of
   * it is in the repository when it fails.
   * @throws source_invalid for what is no tarball or may not be deployed, and the tarball's own
   *   error
   */
  importTarball(appId: AppId, buildId: BuildId, tarball: TarballToImport, signal: AbortSignal): Promise<string>
  /** What the repositories of those apps take on the disk, pushes in progress included. */
  bytesOf(appIds: AppId[]): Promise<number>
  /**
   * Keeps the commit from being collected while a build may need it (a hidden ref), and lets it go
   * again.
   */
  keep(appId: AppId, buildId: BuildId, commit: string): Promise<void>
  release(appId: AppId, buildId: BuildId): Promise<void>
  /** The commit that a ref, or the id of a commit or an annotated tag, leads to. */
  resolve(appId: AppId, ref: string): Promise<string | undefined>
  /** The id of the commit's tree: commits of the same files have the same. */
  tree(appId: AppId, commit: string): Promise<string>
  countTags(appId: AppId): Promise<number>
  /**
   * Moves a branch to `commit` (null: it is to be gone) if it still points to `previous` (null: did
   * not exist). False when somebody else moved it. Already at `commit` is true: the call may be
   * repeated after a crash.
   */
  moveRef(appId: AppId, ref: string, commit: string | null, previous: string | null): Promise<boolean>
}
