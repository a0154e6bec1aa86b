import { setTimeout as delay } from 'node:timers/promises'
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

export type Starting = {
  narrator: Narrator
  signal: AbortSignal
  /** Whether a newer release waits, so that dynos that are not up soon give way to its own. */
  isOvertaken?: (() => boolean) | undefined
}

/** Milliseconds that dynos have to come up, whoever waits, and between two looks at who does. */
const patience = { boot: 10_000, look: 500 }

/**
 * Starts dynos and waits until every one is ready. If one fails none is left.
 * @throws boot_failed with the reason; the failed dyno's last lines go to `narrator`.
 *   release_superseded when they give way to a newer release
 */
export async function startDynos(
  parts: Used,
  deployable: Deployable,
  wanted: WantedDyno[],
  options: Starting,
): Promise<Dyno[]> {
  const { signal } = options
  const starts = await Promise.allSettled(wanted.map((want) => startDyno(parts, deployable, want, signal)))
  const dynos = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
  try {
    for (const start of starts) if (start.status === 'rejected') throw start.reason
    return await allReady(parts, dynos, { deployable, ...options })
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
  { deployable, narrator, signal, isOvertaken }: Starting & { deployable: Deployable },
): Promise<Dyno[]> {
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  const becomeReady = async (dyno: Dyno): Promise<Dyno> => {
    const onPoorAnswer = sayPoorAnswer(parts, dyno, narrator)
    const boot = await waitUntilReady(parts, dyno, { restarts: 0, signal: either, onPoorAnswer })
    if (boot.kind !== 'ready') {
      const failure = bootFailed(deployable, dyno, await report(parts, dyno, { boot, narrator, signal }))
      over.abort(failure)
      throw failure
    }
    parts.dynoLog.up(dyno)
    parts.readyDynos.remember(boot.dyno)
    return boot.dyno
  }
  try {
    const ready = Promise.all(dynos.map(becomeReady))
    return await (isOvertaken ? Promise.race([ready, giveWay(deployable, { isOvertaken, signal: either })]) : ready)
  } finally {
    over.abort()
  }
}

/** @throws release_superseded once a newer release waits for one that had time enough */
async function giveWay(
  { release }: Deployable,
  { isOvertaken, signal }: { isOvertaken: () => boolean; signal: AbortSignal },
): Promise<never> {
  await delay(patience.boot, undefined, { signal })
  while (!isOvertaken()) await delay(patience.look, undefined, { signal })
  const seconds = patience.boot / 1000
  throw new PaasError('release_superseded', `v${release.version} was not up after ${seconds} s, and a newer one waits.`)
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
