import type { Readable } from 'node:stream'
import type { DynoExit } from '../model/dyno-exit.ts'
import type { AppId } from '../model/ids.ts'
import type { Image, ImageConfig, Labels } from './images.ts'
import type { Limits } from './limits.ts'

export type SandboxSpec = {
  /** undefined: not an app's (making a stack image): no app network. */
  appId: AppId | undefined
  image: string
  /** e.g. `build-<id>`; made unique per server by the engine. */
  name: string
  user: string
  limits: Limits
  /** Mount point of the app's cache volume (persistent, owned by `user`), or undefined. */
  cacheAt?: string
  /** Mount point of a tmpfs for `user` only: its files are never in a layer. */
  secretsAt?: string
  env: Record<string, string>
  workingDirectory?: string
  /** Runs while it waits for its order, and beside that if it takes longer; its output is lost. */
  meanwhile?: string[]
  /** Volumes with one image each, mounted read-only. */
  stores?: { digest: string; at: string; writable?: boolean }[]
  /** It may have a user namespace of its own, with mounts, and the ids that its image says. */
  rootless?: boolean
  /** Only for stack images: root with the capabilities that apt needs. Never for tenants. */
  trusted?: boolean
  labels: Labels
}

/**
 * A file's content, to be read once. The sandbox cannot end before that is read to its end, or
 * disposed of.
 */
export type SandboxFile = Disposable & { bytes: number; content: AsyncIterable<Buffer> }

export interface Sandbox extends AsyncDisposable {
  readonly id: string
  /** Whether it can still be told what to run: not after `run`, nor when the engine lost it. */
  readonly waits: boolean
  /**
   * Unpacks `files` (one tar after another, of paths from `/`; all of it becomes the user's), then
   * becomes the command, and the sandbox ends with it. Only once. `onOutput` gets raw chunks as
   * they come, the next one when it is done with the last. Resolves at the end of the output, a
   * moment before the engine knows how the command ended. An abort kills the sandbox and rejects
   * with the signal's reason; an error of the files rejects.
   */
  run(
    order: { argv: string[]; env: Record<string, string>; files: Readable },
    onOutput: (chunk: Buffer, stream: 'stdout' | 'stderr') => Promise<void> | void,
    signal: AbortSignal,
  ): Promise<{ exit: () => Promise<DynoExit> }>
  /** Unpacks a tar at `path`. */
  put(path: string, files: Readable): Promise<void>
  /**
   * A file of it, while it runs or when it has ended; undefined: there is none at `path`. An abort
   * breaks it off with the signal's reason.
   */
  read(path: string, signal: AbortSignal): Promise<SandboxFile | undefined>
  /** Runs to the end, beside what waits. `onOutput` and an abort are as those of `run`. */
  exec(
    command: { argv: string[]; env?: Record<string, string>; user?: string; workingDirectory?: string },
    onOutput: (chunk: Buffer, stream: 'stdout' | 'stderr') => void,
    signal: AbortSignal,
  ): Promise<DynoExit>
  /**
   * Keeps the file system as an image. With a `reference` all servers share it (stack images), else
   * it is this server's.
   */
  commit(options: { reference?: string; config: ImageConfig }): Promise<Image>
}
