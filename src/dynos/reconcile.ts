import type { Dyno } from '../engine/engine.ts'
import type { Logger } from '../log.ts'
import type { App } from '../model/app.ts'
import type { DynoSize } from '../model/formation.ts'
import { loadDeployable, wantedDynos, type Deployable, type WantedDyno } from './deployable.ts'
import { isLeaving, makeWay, writersBefore } from './make-way.ts'
import type { DynoParts } from './parts.ts'
import { comesBack, planDynos, type Plan } from './plan.ts'
import { waitUntilReady } from './readiness.ts'
import { routeFor } from './route.ts'
import { startDyno } from './start-dynos.ts'

/**
 * Makes what runs equal to the database: the current release in the formation as it is now, and the
 * router knows it. Dynos that are missing are started, others leave service, among them those that
 * are stuck. One that crashes stays with the engine, which starts it again with a back-off; one
 * that runs in another size than it should is not this function's business.
 * @returns dynos that run but are not ready yet; the caller comes back when they are
 */
export async function reconcile(parts: DynoParts, app: App, signal: AbortSignal): Promise<Dyno[]> {
  const dynos = await livingDynos(parts, app)
  const deployable = currentDeployable(parts.store, app)
  const present = { version: deployable?.release.version ?? 0, dynos }
  const wanted = inSizeOf(present, deployable ? wantedDynos(parts.store, deployable) : [])
  const plan = planDynos(wanted, present, (dyno) => isLeaving(parts.store, dyno))
  for (const dyno of plan.stop) if (dyno.state.kind === 'stuck') parts.dynoLog.stuck(dyno, dyno.state.by)
  const writers = await writersBefore(parts, app, plan.start)
  if (writers.length > 0) await makeWay(parts, app, writers)
  const started = deployable ? await startMissing(parts, deployable, plan.start, signal) : []
  const unready = await routeTo(parts, app, [...plan.keep, ...started], wanted)
  report(parts.log, app, plan)
  parts.retirement.retire(plan.stop.filter(({ id }) => !writers.some((writer) => writer.id === id)))
  return unready
}

/** A process the engine has started again serves as soon as it answers. */
export async function comeBackWhenReady(
  { dynoLog, log, ...parts }: Pick<DynoParts, 'engine' | 'exits' | 'boot' | 'dynoLog' | 'log'>,
  dyno: Dyno,
  { signal, onReady }: { signal: AbortSignal; onReady: () => void },
): Promise<void> {
  try {
    const boot = await waitUntilReady(parts, dyno, { restarts: dyno.restarts, signal })
    if (boot.kind === 'timeout') dynoLog.bootTimeout(dyno, parts.boot.timeoutSeconds)
    if (boot.kind !== 'ready') return
    dynoLog.up(dyno)
    onReady()
  } catch (error) {
    if (!signal.aborted) log.warn({ app: dyno.appId, dyno: dyno.name, err: error }, 'dyno not watched')
  }
}

/** The same dynos, each in the size that it runs in, if it does. */
function inSizeOf({ version, dynos }: { version: number; dynos: Dyno[] }, wanted: WantedDyno[]): WantedDyno[] {
  return wanted.map((want) => {
    const own = dynos.filter((dyno) => dyno.name === want.name && dyno.release === version && comesBack(dyno))
    const [size = want.size] = own.map((dyno) => dyno.size as DynoSize)
    return own.some((dyno) => dyno.size === want.size) ? want : { ...want, size }
  })
}

/** Those that are not on their way out already. */
export async function livingDynos(
  { engine, retirement }: Pick<DynoParts, 'engine' | 'retirement'>,
  app: App,
): Promise<Dyno[]> {
  const dynos = await engine.listDynos({ appId: app.id })
  return dynos.filter(({ id }) => !retirement.isRetiring(id))
}

export function currentDeployable(store: DynoParts['store'], app: App): Deployable | undefined {
  const release = app.currentReleaseId === null ? undefined : store.releases.find(app.currentReleaseId)
  return release && loadDeployable(store, app, release)
}

/** Puts the web dynos that answer into the router; returns the dynos that run but are not ready. */
async function routeTo(
  parts: Pick<DynoParts, 'routes' | 'readyDynos' | 'dynoLog' | 'store' | 'domain'>,
  app: App,
  dynos: Dyno[],
  wanted: WantedDyno[],
): Promise<Dyno[]> {
  const { routes, readyDynos, dynoLog } = parts
  const ready = await readyOnes({ readyDynos }, dynos)
  const wantsWeb = wanted.some(({ type }) => type === 'web')
  await routes.put(routeFor(parts, app, { ready: ready.filter(({ type }) => type === 'web'), wantsWeb }))
  for (const dyno of ready) dynoLog.up(dyno)
  return dynos.filter((dyno) => dyno.state.kind === 'running' && !ready.includes(dyno))
}

export async function readyOnes({ readyDynos }: Pick<DynoParts, 'readyDynos'>, dynos: Dyno[]): Promise<Dyno[]> {
  const ready = await Promise.all(dynos.map((dyno) => readyDynos.isReady(dyno)))
  return dynos.filter((_, index) => ready[index])
}

/**
 * Nobody waits for these, so one that does not come up is left to the engine's restarts and said in
 * the app's log, as is an image that is gone, with which none start, and a volume that it cannot
 * have.
 */
async function startMissing(
  parts: DynoParts,
  deployable: Deployable,
  wanted: WantedDyno[],
  signal: AbortSignal,
): Promise<Dyno[]> {
  if (wanted.length === 0 || !(await parts.lostImages.isThere(deployable))) return []
  const starts = await Promise.all(
    wanted.map(async (want) => {
      const starting = startDyno(parts, deployable, want, signal)
      const started = await parts.volumeTroubles.unless(deployable.app.id, starting)
      if (!started) return undefined
      const boot = await waitUntilReady(parts, started, { restarts: 0, signal })
      if (boot.kind === 'timeout') parts.dynoLog.bootTimeout(started, parts.boot.timeoutSeconds)
      if (boot.kind === 'ready') {
        parts.dynoLog.up(boot.dyno)
        parts.readyDynos.remember(boot.dyno)
      }
      return boot.kind === 'gone' ? started : boot.dyno
    }),
  )
  return starts.filter((dyno) => dyno !== undefined)
}

function report(log: Logger, app: App, { start, stop }: Plan): void {
  if (start.length === 0 && stop.length === 0) return
  const names = { started: start.map(({ name }) => name), stopped: stop.map(({ name }) => name) }
  log.info({ app: app.id, ...names }, 'dynos brought in line with the record')
}
