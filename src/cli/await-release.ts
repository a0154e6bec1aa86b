import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { PaasError } from '../errors.ts'
import type { Client } from './client.ts'
import { followOutput } from './follow-output.ts'
import { note, progress } from './output.ts'
import { persist } from './persist.ts'
import type { ReleaseJson } from './resources/apps.ts'

type Target = { app: string; path: string }

/**
 * A release command may take a quarter of an hour, and another one may run before it. Milliseconds.
 */
const patience = 40 * 60_000
/**
 * Milliseconds between polls: most releases serve in seconds, and a token's requests per hour are
 * limited.
 */
const lookEvery = (elapsed: number): number => (elapsed < 10_000 ? 250 : 2000)
/** How many of its last lines a release command that failed shows. */
const lastLines = 20

/**
 * Resolves when the release serves, or a newer one that contains it; `what` is said meanwhile. When
 * its command failed, the end of what that printed is shown.
 * @throws release_failed; the previous release keeps serving
 */
export async function awaitRelease(api: Client, target: Target, version: number, what: string): Promise<void> {
  let failed: ReleaseJson | undefined
  const served = verdict(api, target, version).then((release) => {
    if (release.status === 'succeeded') return release.superseded_by
    failed = release
    throw whyFailed(target, release)
  })
  const supersededBy = await progress(what, served).catch(async (cause: unknown) => {
    if (failed?.output_stream_url) await showLastLines(api, failed.output_stream_url)
    throw cause
  })
  if (supersededBy) note(`v${version} was superseded: v${supersededBy}, which contains it, serves.`)
}

async function verdict(api: Client, { app, path }: Target, version: number): Promise<ReleaseJson> {
  const begin = performance.now()
  for (let elapsed = 0; elapsed < patience; elapsed = performance.now() - begin) {
    const release = await persist(api, () => api.get<ReleaseJson>(`${path}/releases/${version}`), { patience })
    if (release.status !== 'pending') return release
    await wait(lookEvery(elapsed))
  }
  const message = `Release v${version} of ${app} is still pending after ${patience / 60_000} minutes.`
  throw new PaasError('release_failed', message, { hint: `See: paas releases -a ${app}` })
}

async function showLastLines(api: Client, url: string): Promise<void> {
  const printed = (await text(followOutput(api, url))).trimEnd()
  if (printed === '') return
  note('Last lines of the release command:')
  for (const line of printed.split('\n').slice(-lastLines)) note(`       ${line}`)
}

/** What is said of a release that has failed. */
export function whyFailed(
  { app }: Pick<Target, 'app'>,
  { version, failure, output_stream_url: output }: ReleaseJson,
): PaasError {
  const reason = failure ? `: ${failure.message}` : ''
  const message = `Release v${version} of ${app} failed${reason}. The previous release keeps serving.`
  const hint = output ? `See: paas releases:output v${version} -a ${app}` : `See: paas logs -a ${app} -n 200`
  return new PaasError('release_failed', message, { hint })
}
