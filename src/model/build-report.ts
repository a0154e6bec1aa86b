import type { PhaseTimes } from './build.ts'

/** What is known of how a build went besides its phases; bytes. What is not known is absent. */
export type BuildFacts = {
  /** Nothing had changed since the release of this number, whose slug was used. */
  unchangedSince?: number
  /** Of dependencies that are a layer of their own: that of an earlier build, or a new one. */
  dependencies?: 'used again' | 'installed'
  /** Files of the commit. */
  sourceBytes?: number
  /** Of the app's image its own layer, and that of its dependencies. */
  slugBytes?: number
  dependencyBytes?: number
  /** All of its image, with the stack that it shares with others. */
  imageBytes?: number
  /** What the packs that built it say of it (bin/report), a line each. */
  packs?: string[]
}

/** For people who ask what took so long, or why an app is so large. */
export type BuildReport = BuildFacts & { phases: PhaseTimes }
