import type { AppManifest } from './app-json.ts'
import type { BuildFacts } from './build-report.ts'
import type { AppId, BuildId } from './ids.ts'
import type { Narrator } from './narrator.ts'
import type { PhaseClock } from './phase-clock.ts'
import type { ConfigVars } from './release.ts'
import type { Slug } from './slug.ts'

/** What the build pipeline is asked for: one commit of one app. */
export type BuildRequest = {
  buildId: BuildId
  appId: AppId
  app: string
  /** The one that the app is to be built on. */
  stack: string
  commit: string
  /** What packs are told as SOURCE_VERSION; absent: the commit. */
  version?: string
  /** Config vars as they are now, for ENV_DIR only. */
  config: ConfigVars
  /** Asked once the source's app.json is known, before anything is built: what to build with. */
  configure?: (appJson: AppManifest, signal: AbortSignal) => Promise<Pick<BuildRequest, 'config' | 'buildpacks'>>
  /** Those that are set for the app; none: what the source has decides. */
  buildpacks?: string[]
  noCache: boolean
  /**
   * Finds what an earlier build of the app made of the same inputs: a text of all that decides a
   * build. Absent: none is to be used.
   */
  findEarlier?: (inputs: string) => Promise<Made | undefined>
}

/** The parts of a Slug that building decides. */
export type Made = Pick<Slug, 'image' | 'stack' | 'processTypes' | 'buildpack' | 'size' | 'appJson'>

export type BuildResult = Made & {
  /** As `findEarlier` is asked; absent: not all that decided is known. */
  inputs?: string
}

/** What a build tells while it goes: of one that fails as well. */
export type Told = {
  output: Narrator
  clock: PhaseClock
  /** Filled. */
  facts: BuildFacts
}

/**
 * Runs detect → compile → export.
 * @throws build_failed, build_timeout, source_invalid, slug_too_large, procfile_invalid
 */
export type RunPipeline = (request: BuildRequest, told: Told, signal: AbortSignal) => Promise<BuildResult>
