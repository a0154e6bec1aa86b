import { asPaasError } from '../errors.ts'
import { retry } from '../retry.ts'
import type { BuildRun, BuildParts } from './parts.ts'

/**
 * How often, and for how long in milliseconds, a build waits for an engine that went away under it.
 */
const patience = { mostRetries: 3, total: 120_000, pause: 1000 }

/**
 * Does a build's work again when the engine went away under it. Each phase that was complete is in
 * the database.
 */
export async function throughLossOfEngine(
  { engine, log, store }: Pick<BuildParts, 'engine' | 'log' | 'store'>,
  run: BuildRun,
  work: () => Promise<void>,
): Promise<void> {
  for (let attempts = 0; ; attempts++) {
    try {
      return await work()
    } catch (thrown) {
      const { code } = asPaasError(thrown)
      if (code !== 'engine_unavailable' || attempts === patience.mostRetries || run.signal.aborted) throw thrown
      log.warn({ build: run.build.id, err: thrown }, 'engine lost in a build')
      run.output.topic('Waiting for the container engine...')
      await until(() => engine.info(), thrown, run.signal)
      run.output.topic('The build was restarted: the container engine was interrupted.')
      run.build = store.builds.find(run.build.id) ?? run.build
    }
  }
}

async function until(works: () => Promise<unknown>, lost: unknown, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + patience.total
  const onFailure = () => {
    if (performance.now() > deadline) throw lost
  }
  await retry(works, { onFailure, pause: () => patience.pause, signal })
}
