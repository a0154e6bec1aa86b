import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { statusOfApi } from '../doctor/status-of-api.ts'
import { PaasError } from '../errors.ts'
import { routerStatus } from '../router/control/client.ts'
import { lastLines } from './system.ts'

/** Milliseconds for a start; the first one makes certificates and keys. */
const patience = 120_000

type Started = Pick<Config, 'paths' | 'httpPort' | 'domain'>

/** Pid of the router that serves; undefined: none. */
export async function servingRouter({ paths }: Pick<Config, 'paths'>): Promise<number | undefined> {
  return (await routerStatus(paths.routerSocket).catch(() => undefined))?.pid
}

/**
 * Waits until a router other than `before` serves, and the API behind it.
 * @throws installation_failed with what the server wrote last
 */
export async function awaitReady(config: Started, before: number | undefined): Promise<void> {
  const deadline = performance.now() + patience
  while (performance.now() < deadline) {
    const pid = await servingRouter(config)
    if (pid !== undefined && pid !== before && (await statusOfApi(config).catch(() => 503)) < 500) return
    await sleep(200)
  }
  const still = before === undefined ? '' : ` The router of before (pid ${before}) keeps serving the apps.`
  throw new PaasError(
    'installation_failed',
    `The server did not become ready within ${patience / 1000} s.${still}\n${await lastLines()}`,
  )
}
