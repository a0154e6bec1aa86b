import type { Engine } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'

type Deps = { engine: Pick<Engine, 'info'>; runtime: string | undefined }

/**
 * A server that was told to run strangers' code in a certain runtime runs it in no other. An engine
 * that is away is asked by nobody: it refuses each container then.
 * @throws runtime_missing
 */
export async function refuseMissingRuntime({ engine, runtime }: Deps): Promise<void> {
  if (runtime === undefined) return
  const info = await engine.info().catch(() => undefined)
  if (!info || info.runtimes.includes(runtime)) return
  const known = info.runtimes.join(', ')
  throw new PaasError('runtime_missing', `Docker has no runtime ${runtime} (PAAS_RUNTIME). It has: ${known}.`)
}
