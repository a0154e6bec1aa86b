import type { Image } from '../../engine/engine.ts'
import type { PackageUpdate } from '../../model/stack.ts'

/**
 * A named pair of images, one to build on and one to run on. Both are content-addressed by their
 * package lists, the certificates the machine trusts and the state of Debian's index that they were
 * patched with, if they were; an image that is missing is made on first use and kept.
 */
export interface Stack {
  readonly name: string
  /** Debian packages that every run image has. */
  readonly runPackages: string[]
  /**
   * The build image with these Debian packages beyond the base (sorted or not, duplicates allowed),
   * a layer for each list: images whose first lists are the same share those.
   */
  buildImage(layers: string[][], onProgress: (line: string) => void): Promise<Image>
  /** The run image, likewise. */
  runImage(packages: string[], onProgress: (line: string) => void): Promise<Image>
  /**
   * The run image with packages that the operator's package source may have, where Debian has none.
   * @param newer which of all packages come from there, too, where that has a newer one
   * @throws stack_unavailable without such a source
   */
  sourcedImage(packages: string[], newer: string[], onProgress: (line: string) => void): Promise<Image>
  /** The image that Dockerfiles are built in. */
  builderImage(onProgress: (line: string) => void): Promise<Image>
  /**
   * What Debian has newer versions of, of images with these files of dpkg's states
   * (`/var/lib/dpkg/status`), and what names the state of its index that says so.
   * @throws stack_unavailable when Debian's mirror is not reached
   */
  updatesOf(states: Buffer[], signal: AbortSignal): Promise<StackUpdates>
}

/** @param updates for each state that was asked for, in their order */
export type StackUpdates = { snapshot: string; updates: PackageUpdate[][] }
