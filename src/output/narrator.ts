/** Who is told what a release goes through: the output of a build, or nobody. */
export type Narrator = {
  topic(text: string): void
  detail(text: string): void
  error(text: string): void
  /** What a process of the app printed. */
  raw(chunk: Buffer): void
}

export const silent: Narrator = {
  topic: () => undefined,
  detail: () => undefined,
  error: () => undefined,
  raw: () => undefined,
}
