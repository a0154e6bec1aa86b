import type { Readable } from 'node:stream'
import type { Dyno, Image } from '../engine/engine.ts'
import type { App } from '../model/app.ts'
import type { AddonFigures } from '../model/addon-figures.ts'
import type { AddonId, AppId, SlugId, VolumeCopyId, VolumeId } from '../model/ids.ts'
import type { Machine } from '../model/machine.ts'
import type { AskedProgram } from '../services/programs.ts'
import type { ImageState } from '../model/stack.ts'

export type { Dyno }

/**
 * All that the api may ask about containers. The worker answers: access to an engine is root on its
 * machine, and the api reads untrusted input (docs/decisions/0046). Every method rejects with
 * `worker_unavailable` while no worker runs, and with `engine_unavailable` while it cannot reach
 * the engine.
 */
export interface Containers {
  /** What the machine that runs them has, as it was within the last minute. */
  machine(): Promise<Machine>
  /** Addresses and states as they are now. */
  listDynos(filter: { appId: AppId }): Promise<Dyno[]>
  /** Empties the app's build cache. @throws cache_in_use */
  removeCache(appId: AppId): Promise<void>
  /**
   * Room on the engine's disk for a build, where there is too little of it, by what is only kept in
   * case. @throws disk_full
   */
  makeDiskRoom(): Promise<void>
  /** What the app alone takes of the engine's disk. */
  diskOf(appId: AppId): Promise<AppDisk>
  /**
   * The image of a slug that was made elsewhere. A tar that breaks off breaks the call off, with
   * its own error; then there is no image.
   * @param files a tar of paths from `/`, all of them in the app's directory
   * @returns the image's digest
   */
  addSlug(slug: SlugOrigin, files: Readable): Promise<string>
  /** A tar of the app's directory in an image of this server; undefined: there is no such image. */
  readSlug(image: string, signal: AbortSignal): Promise<Readable | undefined>
  /**
   * How up to date the packages of images of this server on that stack are, by Debian's index of
   * some minutes ago at most. @throws stack_unavailable
   */
  imageStates(stack: string, images: string[], signal: AbortSignal): Promise<ImageState[]>
  /**
   * A tar of a volume as it is now; `still`: while its dynos are paused. @throws volume_changing
   */
  readVolume(id: VolumeId, options: { still: boolean }, signal: AbortSignal): Promise<Readable>
  /** A tar of what a backup of a volume holds. @throws backup_missing */
  readVolumeBackup(id: VolumeCopyId, signal: AbortSignal): Promise<Readable>
  /** Fills the new volume of an upload. @throws source_invalid, payload_too_large */
  fillVolume(id: VolumeCopyId, files: Readable, signal: AbortSignal): Promise<void>
  /** How an add-on is now. */
  addonFigures(id: AddonId, signal: AbortSignal): Promise<AddonFigures>
  /** What a program of its service prints. @throws invalid_params with the line of a refusal */
  runProgram(
    asked: { id: AddonId; program: AskedProgram; env: Record<string, string> },
    signal: AbortSignal,
  ): Promise<string>
  /** What a backup of an add-on has, by its place on record. @throws backup_missing */
  readBackup(place: string, signal: AbortSignal): Promise<Readable>
  removeBackup(place: string, signal: AbortSignal): Promise<void>
}

/** @param cacheBytes null where nothing is known of that disk */
export type AppDisk = { images: Pick<Image, 'digest' | 'labels'>[]; cacheBytes: number | null }

/** @param stack what its files are put on */
export type SlugOrigin = { id: SlugId; app: Pick<App, 'id' | 'name'>; stack: string }
