import type { Readable, Writable } from 'node:stream'
import type { AddonId, AppId } from '../model/ids.ts'
import type { DynoExit } from '../model/dyno-exit.ts'
import type { DynoState, Limits } from './limits.ts'
import type { Mount } from './volumes.ts'

/** Runs the containers of add-ons, each confined as a dyno is, with a root that is read-only. */
export interface ServiceEngine {
  /**
   * Starts one, on the networks of the apps that it is attached to, where it has the name `host`.
   * The engine starts it again whenever it ends. After an abort or a failed start nothing of it is
   * left, but for its data.
   */
  runService(spec: ServiceSpec, signal: AbortSignal): Promise<void>
  /** All of this server, or those of one add-on. */
  listServices(filter?: { addonId?: AddonId }): Promise<ServiceContainer[]>
  /** Makes these the apps whose dynos reach it. */
  connectService(service: ServiceContainer, to: { appIds: AppId[]; host: string }): Promise<void>
  /**
   * Runs a program beside it, as its user and with its environment; gives what it printed. It goes
   * on after an abort, or without whoever asked for it.
   * @param command its `session` is what `endExec` knows it by
   */
  execInService(
    id: string,
    command: { argv: string[]; env?: Record<string, string>; session?: string },
    signal: AbortSignal,
  ): Promise<DynoExit & { output: string }>
  /**
   * Likewise for one whose input and output are streams, each held back as the other side reads.
   * After an abort nothing of it goes on.
   * @param command its `session` is what `endExec` knows it by
   */
  streamInService(
    id: string,
    command: { argv: string[]; env?: Record<string, string>; session?: string },
    signal: AbortSignal,
  ): Promise<ServiceStream>
  /** A file or directory of its volumes as a tar, whose names begin with that of the path. */
  readFromService(id: string, path: string): Promise<Readable>
  /** Unpacks a tar into a directory of its volumes. */
  writeToService(id: string, path: string, tar: Readable): Promise<void>
}

/** A program beside a service. Its output has to be read, or it does not end. */
export type ServiceStream = {
  input: Writable
  /** stdout alone; an error where the connection broke or the signal aborted. */
  output: Readable
  /** Once the output has ended; `said`: the end of what it wrote to stderr. */
  ended: () => Promise<{ code: number; said: string }>
}

export type ServiceSpec = {
  addonId: AddonId
  /** Whose add-on it is, and all that it is attached to, this one among them. */
  appId: AppId
  app: string
  appIds: AppId[]
  /** `postgresql.1` */
  process: string
  host: string
  image: string
  argv: string[]
  /** Never in labels, names or argv. */
  env: Record<string, string>
  limits: Limits
  data: Mount | undefined
  /** Where it keeps its archive: a volume that is there. */
  archive?: Mount | undefined
  /** What it was made of: one that differs is made anew. */
  version: string
}

export type ServiceContainer = {
  id: string
  addonId: AddonId
  appId: AppId
  process: string
  version: string
  state: DynoState
  /** Where the router reaches it; undefined while it does not run. */
  address: string | undefined
  /** The apps on whose networks it is. */
  appIds: AppId[]
}
