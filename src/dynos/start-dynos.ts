import type { Dyno } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import { dynoSpec, type Deployable, type WantedDyno } from './deployable.ts'
import { questionFor } from './ask-dyno.ts'
import { explainBoot } from './explain.ts'
import { tellLastLines } from './last-lines.ts'
import type { Narrator } from '../model/narrator.ts'
import type { DynoParts } from './parts.ts'
import { waitUntilReady, type Boot } from './readiness.ts'

type Used = Pick<DynoParts, 'engine' | 'exits' | 'dynoLog' | 'readyDynos' | 'boot' | 'sizes' | 'domain'>

/**
 * Starts dynos and waits until every one is ready. If one fails none is left.
 * @throws boot_failed with the reason; the failed dyno's last lines go to `narrator`
 */
export async function startDynos(
  parts: Used,
  deployable: Deployable,
  wanted: WantedDyno[],
  { narrator, signal }: { narrator: Narrator; signal: AbortSignal },
): Promise<Dyno[]> {
  const starts = await Promise.allSettled(wanted.map((want) => startDyno(parts, deployable, want, signal)))
  const dynos = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
  try {
    for (const start of starts) if (start.status === 'rejected') throw start.reason
    return await allReady(parts, dynos, { deployable, narrator, signal })
  } catch (cause) {
    await discard(parts, dynos)
    throw cause
  }
}

/** Removes dynos that never served, without grace. */
export async function discard(
  { engine, dynoLog }: Pick<DynoParts, 'engine' | 'dynoLog'>,
  dynos: Dyno[],
): Promise<void> {
  for (const dyno of dynos) dynoLog.stopping(dyno)
  await Promise.allSettled(dynos.map(({ id }) => engine.stopDyno(id, 0)))
}

/** Starts one dyno; it may not be ready yet. */
export async function startDyno(
  { engine, dynoLog, domain, sizes }: Pick<DynoParts, 'engine' | 'dynoLog' | 'domain' | 'sizes'>,
  deployable: Deployable,
  want: WantedDyno,
  signal: AbortSignal,
): Promise<Dyno> {
  const spec = dynoSpec(deployable, want, { restart: true, domain, sizes })
  dynoLog.launching(spec, spec.command)
  const dyno = await engine.runDyno(spec, signal)
  dynoLog.started(dyno)
  return dyno
}

async function allReady(
  parts: Used,
  dynos: Dyno[],
  { deployable, narrator, signal }: { deployable: Deployable; narrator: Narrator; signal: AbortSignal },
): Promise<Dyno[]> {
  const giveUp = new AbortController()
  const either = AbortSignal.any([signal, giveUp.signal])
  return Promise.all(
    dynos.map(async (dyno) => {
      const onPoorAnswer = sayPoorAnswer(parts, dyno, narrator)
      const boot = await waitUntilReady(parts, dyno, { restarts: 0, signal: either, onPoorAnswer })
      if (boot.kind !== 'ready') {
        const failure = bootFailed(deployable, dyno, await report(parts, dyno, { boot, narrator, signal }))
        giveUp.abort(failure)
        throw failure
      }
      parts.dynoLog.up(dyno)
      parts.readyDynos.remember(boot.dyno)
      return boot.dyno
    }),
  )
}

async function report(
  parts: Used,
  dyno: Dyno,
  { boot, narrator, signal }: { boot: Exclude<Boot, { kind: 'ready' }>; narrator: Narrator; signal: AbortSignal },
): Promise<string> {
  const reason = await explainBoot(parts, boot)
  if (boot.kind === 'timeout') parts.dynoLog.bootTimeout(dyno, parts.boot.timeoutSeconds)
  parts.dynoLog.crashed(dyno)
  await tellLastLines(parts, dyno, { narrator, signal })
  return reason
}

function sayPoorAnswer({ boot }: Used, dyno: Dyno, narrator: Narrator): (status: number) => void {
  return (status) => {
    const asked = `GET ${questionFor(dyno).pathname}`
    narrator.error(`${dyno.name} answers ${asked} with ${status}; retrying for up to ${boot.timeoutSeconds} s`)
  }
}

function bootFailed({ app, release }: Deployable, dyno: Dyno, reason: string): PaasError {
  return new PaasError('boot_failed', `boot failed: ${reason}`, {
    hint: `${dyno.name} of ${app.name} v${release.version} did not come up. See: paas logs -a ${app.name} -d ${dyno.name}`,
  })
}
