import type { Owner } from './app-user.ts'

/**
 * What the image of an app's tree is made of (build/trees.ts), as whoever makes it is told, maybe
 * in another process.
 */
export type TreeOrder = {
  /** Id of the sandbox that has the tars of the tree's parts, and where in it. */
  sandbox: string
  files: string[]
  /** Digest of the image below. */
  base: string
  owner: Owner
  /** The most bytes of its files. */
  slugBytes: number
  labels: Record<string, string>
  /** Of an image that has not all parts. */
  partLabels: Record<string, string>
  /** The label that says how many bytes they have. */
  bytesLabel: string
}
