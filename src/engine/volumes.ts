import type { Readable } from 'node:stream'

/** Data that outlives whatever uses it, and is never removed but by `removeVolume`. */
export interface VolumeEngine {
  /** Makes an empty one, or finds the one that is there. */
  createVolume(spec: VolumeSpec): Promise<void>
  /** Those of this server; `owner` narrows to one's. */
  listVolumes(filter?: { owner?: string }): Promise<Volume[]>
  /** Removes it with its data. One that is gone is fine. @throws volume_in_use */
  removeVolume(volume: VolumeKey): Promise<void>
  /**
   * Bytes in allocated blocks, for which its files are walked; 0 for one that is gone, undefined
   * where that disk is not this machine's.
   */
  dataBytes(volume: VolumeKey): Promise<number | undefined>
  /**
   * A tar of all that is in it, names beginning with `volume/`. A file that changes while it is
   * read is torn. @throws volume_missing, image_missing
   */
  readVolume(volume: VolumeKey, signal: AbortSignal): Promise<Readable>
  /**
   * Unpacks what `readVolume` gave; owners and modes are those of the tar. @throws volume_missing
   */
  fillVolume(volume: VolumeKey, tar: Readable, signal: AbortSignal): Promise<void>
  /**
   * Stops a dyno's processes where they are.
   * @returns false for one that does not run
   * @throws volume_changing where they cannot be stopped
   */
  pauseDyno(id: string): Promise<boolean>
  /** Lets them go on. A dyno that is gone, or not paused, is fine. */
  resumeDyno(id: string): Promise<void>
}

/**
 * Which one: `id` and `owner` are UUIDs. The owner is the app whose dynos may mount it, or the
 * add-on; a container of another gets it nowhere.
 */
export type VolumeKey = { id: string; owner: string }

/**
 * `volume`: of an app, for what it writes itself; `service`: the data of an add-on; `backups`: its
 * archive.
 */
export type VolumeKind = 'volume' | 'service' | 'backups'

/** `name` is for people who look at the engine. */
export type VolumeSpec = VolumeKey & { kind: VolumeKind; name: string }

export type Volume = VolumeSpec & { createdAt: Date }

/** Where a container has it: an absolute path of `[A-Za-z0-9_.-]` between slashes. */
export type Mount = VolumeKey & {
  at: string
  readOnly?: boolean
  /** It is the only container that may write: `Dyno.writes` names the volume. */
  alone?: boolean
}
