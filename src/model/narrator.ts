import type { ConfigVars } from './release.ts'

/**
 * Who is told what a build and a release go through: the output of a build, or nobody. Made by
 * `output/narrate`.
 */
export interface Narrator {
  /** `-----> text` */
  topic(text: string): void
  /** Seven spaces, then text. */
  detail(text: string): void
  /** ` !     text` */
  error(text: string): void
  /** What a pack or a process of the app printed: cleaned, masked and cut to lines. */
  raw(chunk: Buffer): void
  /** Values that must not be shown from now on. */
  hide(config: ConfigVars): void
}

export const silent: Narrator = {
  topic: () => undefined,
  detail: () => undefined,
  error: () => undefined,
  raw: () => undefined,
  hide: () => undefined,
}
