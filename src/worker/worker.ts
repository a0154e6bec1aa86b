import { setTimeout as delay } from 'node:timers/promises'
import type { EngineEvent } from '../engine/engine.ts'
import { FigureWriter } from '../metrics/figure-writer.ts'
import { RoleMeter } from '../metrics/role-meter.ts'
import { serveFigures } from '../metrics/role-socket.ts'
import { isOneOff } from '../model/dyno.ts'
import type { BuildId } from '../model/ids.ts'
import type { Job } from '../model/job.ts'
import { AddonMeter } from '../services/meter.ts'
import { serveRendezvous } from '../one-offs/rendezvous.ts'
import { startWorker } from '../queue/start-worker.ts'
import { askIfOvertaken } from '../upgrades/overtaken.ts'
import { continueSetup } from './continue-setup.ts'
import { converge } from './converge.ts'
import { Dispatcher } from './dispatcher.ts'
import { DynoMeter } from './measure-dynos.ts'
import type { WorkerParts, Working } from './parts.ts'
import { patrol } from './patrol.ts'
import { recover, resumeWork } from './recover.ts'
import { watchEngine } from './watch.ts'

/** Restarts in progress at once; other jobs are taken and done with. */
const concurrency = 100
/** Milliseconds a start waits for the engine before it says ready without it. */
const patience = 10_000

/**
 * Starts to work: first everything a dead worker, a restarted engine or a rebooted machine left
 * behind is put in order, then jobs are taken. While the engine is away the worker waits for it.
 * Disposal gives running builds back and leaves the apps running.
 */
export async function openWorker(parts: WorkerParts): Promise<AsyncDisposable> {
  await using life = new AsyncDisposableStack()
  const worker: Working = { ...parts, dispatcher: createDispatcher(parts) }
  const { dispatcher, dynos, releases, drains, config } = worker
  const stopping = new AbortController()

  await worker.certificates.begin({
    converge: (appId) => void dispatcher.converge(appId),
    showOwn: () => dynos.showCertificates(),
  })
  worker.ownPages.begin((appId) => dispatcher.converge(appId))
  const first = Promise.withResolvers<void>()
  let begun = false
  const engineBack = async (): Promise<void> => {
    await recover(worker, { first: !begun })
    begun = true
    first.resolve()
  }
  const heard = (event: EngineEvent): void => hear(worker, event)
  const watching = watchEngine({ ...worker, heard, lost: () => dynos.lost(), engineBack }, stopping.signal)
  const addonMeter = new AddonMeter(worker)
  const patrolling = patrol(worker, stopping.signal)
  const replacing = dynos.replaceSilent((appId) => releases.isBusy(appId), stopping.signal)
  const dynoMeter = await measure(worker, addonMeter, life)
  const measuring = [dynoMeter.watch(stopping.signal), addonMeter.watch(stopping.signal)]
  life.defer(async () => {
    stopping.abort()
    await Promise.all([watching, patrolling, replacing, ...measuring])
  })
  // No job or client is taken before the host is secured: they run strangers' code.
  const meeting = first.promise.then(() => serveRendezvous({ path: config.paths.rendezvousSocket, ...worker }))
  life.defer(async () => (await meeting.catch(() => undefined))?.[Symbol.asyncDispose]())
  life.use(dispatcher)
  life.use(worker.upgrades)
  life.use(worker.services)
  life.use(worker.certificates)
  life.use(worker.ownPages)
  life.use(worker.dataTransfers)
  life.use(worker.addonBackups)
  life.use(worker.addonUpgrades)
  life.use(worker.volumes)
  drains.sync()
  life.use(worker.oneOffs)
  const taking = meeting.then(() => takeJobs(worker))
  life.defer(async () => {
    first.reject(new Error('stopping'))
    await (await taking.catch(() => undefined))?.[Symbol.asyncDispose]()
  })
  await Promise.race([taking, delay(patience, undefined, { ref: false })])
  return life.move()
}

function createDispatcher(parts: WorkerParts): Dispatcher {
  const { builds, releases, dynos, oneOffs, upgrades, store, log } = parts
  const dispatcher: Dispatcher = new Dispatcher(
    {
      build: async (buildId, stop) => {
        await builds.run(buildId, { stop, closing: dispatcher.signal })
        if (askIfOvertaken(store, buildId)) upgrades.wake()
      },
      continueSetup: (buildId, signal) => continueSetup(parts, buildId, signal),
      converge: (appId, signal) => converge({ ...parts, dispatcher }, appId, signal),
      release: (appId, signal) => releases.releaseNext(appId, signal),
      restart: async (appId, dyno, signal) => {
        // A one-off dyno belongs to no formation, so nothing replaces it.
        if (dyno !== null) await oneOffs.stop(appId, dyno)
        await dynos.restart(appId, dyno, signal)
      },
      run: (oneOffId) => oneOffs.start(oneOffId),
    },
    log,
  )
  return dispatcher
}

async function measure(
  { config, engine, buildMeter, log }: Working,
  addonMeter: AddonMeter,
  life: AsyncDisposableStack,
): Promise<DynoMeter> {
  const figures = life.use(new FigureWriter({ directory: config.paths.metrics, log }))
  const dynoMeter = new DynoMeter({ engine, figures, log })
  const meter = life.use(new RoleMeter())
  const figuresNow = () => ({
    process: meter.figures(),
    apps: Object.fromEntries(dynoMeter.apps),
    addons: addonMeter.figures(),
    ...buildMeter.figures(),
    dropped: figures.dropped,
  })
  life.use(await serveFigures(config.paths.workerSocket, figuresNow))
  return dynoMeter
}

function hear({ dynos, collector, dispatcher, services }: Working, event: EngineEvent): void {
  const { addonId } = event
  if (addonId !== undefined) return services.heard({ ...event, addonId })
  dynos.heard(event)
  if (event.appId === '' || event.name === '') return
  if (event.kind === 'started' && !event.attached) collector.follow(event)
  if (!isOneOff(event)) void dispatcher.converge(event.appId)
}

/** Redis may have been away: each time it is there the database is asked for what it forgot. */
function takeJobs(worker: Working): AsyncDisposable {
  const { config, serverId, log, builds, drains } = worker
  const handlers = {
    run: (job: Job) => take(worker, job),
    cancel: (buildId: BuildId) => void cancel(worker, buildId),
    expect: builds.expect,
    connected: () => {
      resumeWork(worker)
      drains.sync()
    },
  }
  return startWorker({ redis: config.redis, serverId, log, concurrency, handlers })
}

/**
 * The database keeps what a build or a converge has to do, so the queue is done with it; a restart
 * is only in the queue.
 */
async function take(worker: Working, job: Job): Promise<void> {
  const { dispatcher, drains, upgrades, services, certificates, dataTransfers, volumes } = worker
  if (job.kind === 'drains') return drains.sync()
  if (job.kind === 'upgrade') return upgrades.wake()
  if (job.kind === 'addons') return services.wake()
  if (job.kind === 'certificates') return certificates.wake()
  if (job.kind === 'data') return dataTransfers.wake()
  if (job.kind === 'volumes') return volumes.wake()
  const done = dispatcher.run(job)
  if (job.kind === 'restart') await done
}

/**
 * A build that waited is cancelled by the database alone; then only its readers wait for an end.
 */
async function cancel({ dispatcher, builds, store, log }: Working, buildId: BuildId): Promise<void> {
  dispatcher.cancel(buildId)
  const build = store.builds.find(buildId)
  if (build) await builds.endOutputs(build.appId).catch((error: unknown) => log.warn({ err: error }))
}
