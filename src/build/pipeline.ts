import type { AppId, BuildId } from '../model/ids.ts'
import type { Config } from '../model/release.ts'

/** What the build pipeline is asked for: one commit of one app. */
export type BuildRequest = {
  buildId: BuildId
  appId: AppId
  app: string
  commit: string
  /** Config vars as they are now, for ENV_DIR only. */
  config: Config
  noCache: boolean
}

/** What it gives: the parts of a Slug that building decides, and the time of each phase in milliseconds. */
export type BuildResult = {
  image: string
  stack: string
  processTypes: Record<string, string | null>
  buildpack: string
  size: number
  phases: Record<string, number>
}

/** The lines a build shows: one protocol for packs and platform. Implemented in `output.ts`. */
export interface BuildOutput {
  /** `-----> text` */
  topic(text: string): void
  /** Seven spaces, then text. */
  detail(text: string): void
  /** ` !     text` */
  error(text: string): void
  /** Raw bytes of a pack: cleaned, masked and cut to lines. */
  raw(chunk: Buffer): void
}

/** Runs detect → compile → export. @throws build_failed, build_timeout, source_invalid, slug_too_large, procfile_invalid */
export type RunPipeline = (request: BuildRequest, output: BuildOutput, signal: AbortSignal) => Promise<BuildResult>
