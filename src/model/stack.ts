/** What new apps are built on. */
export const usualStack = 'debian-13'

/** Their names are part of those of images. */
export const stackPattern = /^[a-z][a-z0-9-]{1,40}$/

/** A package of an image that Debian has a newer version of. */
export type PackageUpdate = {
  package: string
  installed: string
  available: string
  /** Whether Debian's security team published it. */
  security: boolean
}

/**
 * How up to date the packages of an image are: when they were last changed, and what Debian has
 * newer versions of; null: the image is gone, or has no Debian packages.
 */
export type ImageState = { packagesAt: Date; updates: PackageUpdate[] } | null

/** Up to which state of Debian's index the images of a stack were brought, and when. */
export type StackPatch = { snapshot: string; createdAt: Date }

/**
 * Debian packages beyond the stack's mirror, which the operator has named. `keyFile`: absolute,
 * what the source is signed with.
 */
export type PackageSource = { url: string; suite: string; components: string[]; keyFile: string }
