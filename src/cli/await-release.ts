import { setTimeout as wait } from 'node:timers/promises'
import { PaasError } from '../errors.ts'
import type { Client } from './client.ts'
import type { ReleaseJson } from './resources.ts'

/** A release command may take a quarter of an hour. Milliseconds. */
const patience = 20 * 60_000
const lookEvery = 250

/**
 * Resolves when the release serves. @throws release_failed when it does not come up: then the one before serves on
 */
export async function awaitRelease(
  api: Client,
  { app, path }: { app: string; path: string },
  version: number,
): Promise<void> {
  for (const deadline = performance.now() + patience; performance.now() < deadline; await wait(lookEvery)) {
    const { status } = await api.get<ReleaseJson>(`${path}/releases/${version}`)
    if (status === 'succeeded') return
    if (status === 'failed')
      throw failed(`Release v${version} of ${app} did not come up; the one before it serves on.`, app)
  }
  throw failed(`Release v${version} of ${app} is still pending after ${patience / 60_000} minutes.`, app)
}

function failed(message: string, app: string): PaasError {
  return new PaasError('release_failed', message, { hint: `See why: paas logs -a ${app} -n 200` })
}
