import type { Engine } from '../engine/engine.ts'
import type { Repositories } from '../model/repositories.ts'
import type { AccountId } from '../model/ids.ts'
import type { Logger } from '../log.ts'
import type { Narrator } from '../model/narrator.ts'
import type { AppManifest } from '../model/app-json.ts'
import type { App } from '../model/app.ts'
import type { Build, PhaseTimes } from '../model/build.ts'
import type { RunPipeline, Told } from '../model/build-request.ts'
import type { AddressPolicy } from '../outbound/addresses.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { OutputWriters } from '../model/output.ts'
import type { Quotas } from '../quotas/quotas.ts'
import type { Releases } from '../release/releases.ts'
import type { Store } from '../store/store.ts'
import type { BuildSandboxes } from './sandboxes.ts'

/**
 * What `Builds` owns. The steps of a build each take the parts that they use; nobody outside has
 * them.
 */
export type BuildParts = {
  store: Store
  engine: Pick<Engine, 'findImage' | 'info' | 'machine'>
  pipeline: RunPipeline
  sandboxes: Pick<BuildSandboxes, 'begin' | 'over' | 'prepare' | 'without'>
  releases: Pick<Releases, 'releaseBuild' | 'fail'>
  repositories: Pick<Repositories, 'importTarball' | 'moveRef' | 'release' | 'resolve'>
  outputs: OutputWriters
  outbound: Outbound
  quotas: Pick<Quotas, 'holdRepositoryRoom'>
  /** Makes the add-ons that app.json asks for; resolves when they are there. */
  addons: {
    provide(
      asked: { app: App; accountId: AccountId; asked: AppManifest['addons'] },
      output: Pick<Narrator, 'topic' | 'error'>,
      signal: AbortSignal,
    ): Promise<void>
  }
  /** Makes room on the engine's disk, if need be. @throws disk_full */
  makeDiskRoom: () => Promise<void>
  /** Where buildpacks may be. */
  packPolicy: AddressPolicy
  /** Counts verdicts, with how long each phase took. */
  meter: { record(verdict: 'succeeded' | 'failed' | 'cancelled', phases: PhaseTimes): void }
  /** Where uploaded tarballs are. */
  sourcesDirectory: string
  /** Bytes: how large a tarball may be as it comes. */
  tarballBytes: number
  /** e.g. `http://localhost:8080` */
  publicUrl: string
  log: Logger
}

/** One attempt at a build. */
export type BuildRun = Told & {
  build: Build
  /**
   * Aborted to end the build: with a PaasError for good, with `shutdown` so that the next worker
   * resumes it.
   */
  signal: AbortSignal
  /** Aborted when the worker stops. */
  closing: AbortSignal
  /** Called when the build needs no build container any more. */
  compiled: () => void
}
