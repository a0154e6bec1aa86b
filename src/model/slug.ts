import type { AppJson } from './app-json.ts'
import type { AppId, BuildId, SlugId } from './ids.ts'

/** The result of a build: an image by digest and the commands it can run. */
export type Slug = {
  id: SlugId
  appId: AppId
  buildId: BuildId
  commit: string
  /** The engine's content digest, `sha256:…`; never a tag. */
  image: string
  stack: string
  /** Process type → command. `null`: the image's own command (a Dockerfile build). */
  processTypes: Record<string, string | null>
  /** Display name of what built it, e.g. `Node.js`. */
  buildpack: string
  /** Bytes of the slug layer, uncompressed. */
  size: number
  /** What the source's app.json says; absent: it has none. */
  appJson?: AppJson
  createdAt: Date
}
