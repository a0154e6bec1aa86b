import { setTimeout as delay } from 'node:timers/promises'
import type { Engine, ServiceContainer } from '../engine/engine.ts'
import { asPaasError, PaasError } from '../errors.ts'
import type { Addon } from '../model/addon.ts'
import { programsAt } from './image.ts'

/** Seconds in which a service has to answer, and milliseconds between two questions. */
const readiness = { seconds: 120, pause: 150 }

/**
 * Waits until a container that was started answers.
 * @throws addon_failed, and engine_unavailable as soon as it has gone: another one may be started
 */
export async function untilHealthy(
  { engine }: { engine: Pick<Engine, 'execInService' | 'listServices'> },
  { name, process }: Pick<Addon, 'name' | 'process'>,
  { id, addonId }: Pick<ServiceContainer, 'id' | 'addonId'>,
  signal: AbortSignal,
): Promise<void> {
  const end = performance.now() + readiness.seconds * 1000
  while (performance.now() < end) {
    const asked = await engine.execInService(id, { argv: [`${programsAt}/health`] }, signal).catch(notYet)
    if (asked?.code === 0) return
    const container = (await engine.listServices({ addonId })).find((one) => one.id === id)
    if (!container || !runsOrWill(container.state))
      throw new PaasError('engine_unavailable', `The add-on ${name} went away.`)
    await delay(readiness.pause, undefined, { signal })
  }
  throw new PaasError('addon_failed', `${name} did not answer within ${readiness.seconds} s.`, {
    hint: `Its log says why: paas logs -d ${process}`,
  })
}

/** Those that the engine starts again, or that run. */
export function runsOrWill({ kind }: ServiceContainer['state']): boolean {
  return kind === 'running' || kind === 'restarting'
}

/** It is just being started, or started again. */
function notYet(cause: unknown): undefined {
  if (asPaasError(cause).code !== 'not_found') throw cause
}
