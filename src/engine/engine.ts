import type { Readable, Writable } from 'node:stream'
import type { DynoExit } from '../model/dyno-exit.ts'
import type { DynoFacts } from '../model/dyno.ts'
import type { AddonId, AppId } from '../model/ids.ts'
import type { Machine } from '../model/machine.ts'
import type { ImageTransfer } from './image-transfer.ts'
import type { Image, ImageConfig, Labels } from './images.ts'
import type { DynoState, Limits } from './limits.ts'
import type { Sandbox, SandboxSpec } from './sandbox.ts'
import type { ServiceEngine } from './services.ts'
import type { Mount, VolumeEngine } from './volumes.ts'

export type { DynoState, Limits } from './limits.ts'
export type { Image, ImageConfig, Labels } from './images.ts'
export type { Sandbox, SandboxFile, SandboxSpec } from './sandbox.ts'
export type { ServiceContainer, ServiceSpec, ServiceStream } from './services.ts'

/**
 * Whatever runs containers. Nothing above this interface knows a vendor; `docker/` is today's
 * implementation. Everything it makes is labelled with the server's id, and it never touches what
 * does not carry that label. Every method rejects with `engine_unavailable` when the engine cannot
 * be reached.
 */
export interface Engine extends VolumeEngine, ServiceEngine, ImageTransfer {
  info(): Promise<EngineInfo>
  /** Likewise, as it was within the last minute. */
  machine(): Promise<Machine>
  /** Bytes that are free for images and caches; undefined where that disk is not this machine's. */
  freeDisk(): Promise<number | undefined>

  findImage(reference: string): Promise<Image | undefined>
  /** Makes a base image from a root file system. */
  importImage(rootfs: Readable, options: { reference: string; labels: Labels }): Promise<Image>
  /**
   * Base image plus one layer: `files` unpacked at `path`. Owners and modes are those of the tar.
   * With a `reference` the image has that name and is shared by all servers of the engine, as stack
   * images are; else it is this server's.
   */
  createImage(options: {
    base: string
    files: Readable
    path: string
    config: ImageConfig
    reference?: string
  }): Promise<Image>
  /**
   * An image of this server: the base and `layer` on top, whose paths start at `/` and follow no
   * link of the base. Owners and modes are those of the tar, in which every directory comes before
   * what it holds. A configuration that says what is in the layer is asked for when that was read.
   * A layer whose length is known is passed on while it comes, where the engine can take it so.
   */
  appendLayer(options: {
    base: string
    layer: Readable
    bytes?: number
    config: ImageConfig | (() => ImageConfig)
  }): Promise<Image>
  /**
   * An image of this server from where strangers may have forged any of it: a tar of its manifest
   * (Docker's schema 2), its configuration and its gzipped layers, each named by its digest. Only
   * layers that an image of `shared` begins with may be missing.
   * @param options.diskMiB what its own layers may unpack to
   * @returns also whether it wanted volumes, which it does not get
   * @throws build_failed
   */
  loadImage(options: {
    archive: Readable
    shared: string[][]
    appId: AppId
    labels: Labels
    diskMiB: number
  }): Promise<Image & { hasVolumes: boolean }>
  /** Digests of each image's layers, bottom first, which `loadImage` does not need. */
  sharedLayers(digests: string[]): Promise<string[][]>
  /** A tar of an image, as `docker save` gives it. */
  saveImage(digest: string, signal: AbortSignal): Promise<Readable>
  /** A tar of a directory of an image, with its name; undefined if there is none. Runs nothing. */
  readImage(digest: string, path: string, signal: AbortSignal): Promise<Readable | undefined>
  /** Images of this server, newest first; `appId` narrows to one app's. */
  listImages(filter?: { appId?: AppId }): Promise<Image[]>
  removeImage(digest: string): Promise<void>

  /**
   * A started container that waits for what is to run in it. Disposal removes it; the log says
   * where the engine did not.
   */
  createSandbox(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox>

  /** Starts a dyno; resolves when the container started, which says nothing about readiness. */
  runDyno(spec: DynoSpec, signal: AbortSignal): Promise<Dyno>
  /** Starts a dyno whose input and output are the caller's; `dynoOutput` does not keep them. */
  attachDyno(spec: DynoSpec, terminal: TerminalSize | undefined, signal: AbortSignal): Promise<AttachedDyno>
  /**
   * Runs a command beside a dyno's own process, with its user, files and environment; input and
   * output are the caller's.
   * @throws not_found when the dyno does not run
   */
  execInDyno(id: string, spec: ExecSpec, signal: AbortSignal): Promise<AttachedExec>
  /** SIGHUP, then SIGKILL, to a session of `execInDyno`. A dyno that is gone is fine. */
  endExec(id: string, session: string): Promise<void>
  /** SIGHUP to all its processes, as when a terminal goes away. A dyno that is gone is fine. */
  hangUpDyno(id: string): Promise<void>
  /** SIGTERM, SIGKILL after `graceMs`, then removes it. A dyno that is gone is fine. */
  stopDyno(id: string, graceMs: number): Promise<void>
  /** Addresses and states as they are now. */
  listDynos(filter?: { appId?: AppId }): Promise<Dyno[]>
  findDyno(id: string): Promise<Dyno | undefined>
  /**
   * Dynos that have written more than so much to disk, or more files than go with it: no engine
   * bounds that on every file system. `excess` is such as `more than 10240 MiB`.
   */
  overfullDynos(limitMiB: number): Promise<{ dyno: Dyno; excess: string }[]>
  /** What a dyno uses now; undefined for one that does not run. */
  dynoUsage(id: string): Promise<DynoUsage | undefined>
  /** What listens inside the dyno, for explaining a failed boot. */
  listeningSockets(id: string): Promise<{ address: string; port: number }[]>
  /** Resolves with the exit code when the dyno stopped. */
  waitDyno(id: string, signal: AbortSignal): Promise<DynoExit>
  /** Each line once, over restarts; ends when the dyno stopped, or at once without `follow`. */
  dynoOutput(id: string, options: OutputOptions, signal: AbortSignal): AsyncIterable<OutputLine>

  /** Changes of this server's dynos from now on; ends with the connection to the engine. */
  watch(signal: AbortSignal): AsyncIterable<EngineEvent>

  /** Applies what isolates tenants. Idempotent; called at start and after an engine restart. */
  secureHost(): Promise<void>
  /** Removes all of the app in the engine. Idempotent. @param keep digests of images that stay */
  removeApp(appId: AppId, keep?: ReadonlySet<string>): Promise<void>
  /** Removes the app's build cache volume. @throws cache_in_use while a sandbox has it */
  removeCache(appId: AppId): Promise<void>
  /** Bytes in the app's build cache; undefined where that disk is not this machine's. */
  cacheBytes(appId: AppId): Promise<number | undefined>
  /** Removes sandboxes and one-offs of a dead worker. @param keep ids of dynos that continue */
  removeOrphans(keep?: ReadonlySet<string>): Promise<number>
  /**
   * Ends all that runs (SIGTERM, SIGKILL after 30 s), and removes it with its networks and caches.
   * Images and volumes with data stay. Idempotent.
   */
  haltServer(): Promise<void>
  /** Removes everything this server made, including apps and their data. Idempotent. */
  removeServer(): Promise<void>
}

export type EngineInfo = Machine & {
  name: string
  version: string
  /** The machine's name. */
  host: string
  rootDirectory: string
  /** What can run a container, by name. */
  runtimes: string[]
}

export type DynoSpec = {
  appId: AppId
  app: string
  /** `web.1`, `run.9157`, `release.3321`. */
  name: string
  type: string
  release: number
  image: string
  /** Run by `/bin/bash -c` after `.profile.d`; null for the image's own command. */
  command: string | null
  /** Config vars, PORT, DYNO. Never in labels, names or argv. */
  env: Record<string, string>
  size: string
  limits: Limits
  /** Restarts on exit, with the engine's back-off. False for one-offs and release commands. */
  restart: boolean
  /** A UUID by which the API names it; absent: one is made of the engine's own id. */
  uuid?: string
  /** The app's own host name without port, for web dynos. */
  host?: string
  /** The health check of a web dyno, `http://HOST/PATH`; absent: `/` of its host. */
  healthcheck?: string
  /** Volumes of the app. @throws volume_missing at the start, where one is not there */
  volumes?: Mount[]
}

export type TerminalSize = { columns: number; rows: number }

export type ExecSpec = {
  /** Identifies its processes for `endExec`. */
  session: string
  /** A shell command line run as `/bin/bash -c` after `.profile.d`. */
  command: string
  /** Beside and before the dyno's. */
  env: Record<string, string>
  terminal: TerminalSize | undefined
}

/** A process whose input and output are the caller's. */
export type AttachedProcess = {
  /** Ending it ends the process's input; a terminal's has no end, there `\x04` says it. */
  input: Writable
  /** Output of the process until it ends; a terminal has one stream. */
  output: AsyncIterable<{ stream: 'stdout' | 'stderr'; data: Buffer }>
  /** Nothing happens where there is no terminal, or no process any more. */
  resize: (size: TerminalSize) => Promise<void>
}

export type AttachedDyno = AttachedProcess & { dyno: Dyno }

/** `exit` is asked at the end of the output; 137 where the dyno ended. */
export type AttachedExec = AttachedProcess & { exit: () => Promise<number> }

export type Dyno = DynoFacts & {
  image: string
  /** Inside the app's network, reachable from the host; undefined while it does not run. */
  address: string | undefined
  /** The port its web process was told to use; undefined for other types. */
  port: number | undefined
  /** As in its DynoSpec. */
  host?: string
  healthcheck?: string
  state: DynoState
  /** How often it was started again because it had ended. */
  restarts: number
  /** Ids of the volumes that it alone may write. */
  writes?: string[]
  createdAt: Date
}

/** `cpuSeconds` since the last start; memory without the reclaimable page cache. */
export type DynoUsage = { at: Date; cpuSeconds: number; memoryBytes: number }

export type OutputOptions = {
  /** A cursor: begin after that line. */
  since?: string
  follow: boolean
  /** Lines after `since` are missing, an unknown number: the engine dropped them. */
  onLoss?: (since: Date) => void
}

/**
 * A line without its end. `cursor` names its place in the dyno's output, finer than `time`.
 * A line longer than 64 KiB comes in pieces, of which all but the last are exactly so long.
 */
export type OutputLine = { time: Date; cursor: string; stream: 'stdout' | 'stderr'; text: Buffer }

export type EngineEvent = DynoFacts & {
  kind: 'started' | 'exited' | 'removed' | 'out-of-memory' | 'stuck'
  exitCode?: number
  /** Of a service; then `name` is its process. */
  addonId?: AddonId
  time: Date
}
