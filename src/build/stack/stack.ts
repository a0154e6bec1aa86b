import type { Image } from '../../engine/engine.ts'

/**
 * A named pair of images, one to build on and one to run on. Both are content-addressed by their
 * package lists and the certificates the machine trusts; an image that is missing is made on first
 * use and kept.
 */
export interface Stack {
  readonly name: string
  /**
   * The build image with these Debian packages beyond the base (sorted or not, duplicates allowed),
   * a layer for each list: images whose first lists are the same share those.
   */
  buildImage(layers: string[][], onProgress: (line: string) => void): Promise<Image>
  /** The run image, likewise. */
  runImage(packages: string[], onProgress: (line: string) => void): Promise<Image>
  /** The image that Dockerfiles are built in. */
  builderImage(onProgress: (line: string) => void): Promise<Image>
}
