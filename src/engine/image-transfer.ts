import type { Readable } from 'node:stream'

type NamedImage = { digest: string; references: string[] }

/** Images on their way to another engine. A gate lets neither through. */
export interface ImageTransfer {
  /** A tar of them, in which each layer is once. */
  saveImages(images: NamedImage[], signal: AbortSignal): Promise<Readable>
  /** Makes them of such a tar, which must be the server's own. */
  restoreImages(tar: Readable, signal: AbortSignal): Promise<void>
}
