import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Semaphore } from 'async-mutex'
import { createPackPolicy } from '../build/pack-url.ts'
import type { RunPipeline } from '../model/build-request.ts'
import type { BuildSandboxes } from '../build/sandboxes.ts'
import type { Config } from '../config.ts'
import { Drains } from '../drains/drains.ts'
import type { Engine } from '../engine/engine.ts'
import type { Repositories } from '../model/repositories.ts'
import { Grants } from '../grants/grants.ts'
import type { Logger } from '../log.ts'
import type { AppLogWriter } from '../logs/app-log.ts'
import { FigureWriter } from '../metrics/figure-writer.ts'
import { RoleMeter } from '../metrics/role-meter.ts'
import { serveFigures } from '../metrics/role-socket.ts'
import type { WorkerFigures } from '../metrics/worker-figures.ts'
import { openAppLogReader } from '../logs/reader.ts'
import type { AppId, BuildId } from '../model/ids.ts'
import type { Job } from '../model/job.ts'
import { createOutbound } from '../outbound/outbound.ts'
import type { OutputWriters } from '../model/output.ts'
import { startWorker } from '../queue/start-worker.ts'
import { Quotas } from '../quotas/quotas.ts'
import { DynoExits } from '../dynos/dyno-exits.ts'
import { DynoLog } from '../dynos/dyno-log.ts'
import { AppLocks } from '../app-lock.ts'
import { LostImages } from '../dynos/lost-images.ts'
import { createPlatformLog } from '../logs/platform-log.ts'
import { ReadyDynos } from '../dynos/ready-dynos.ts'
import { Retirement } from '../dynos/retirement.ts'
import { Routes } from '../dynos/routes.ts'
import type { RouterControl } from '../router/control/control.ts'
import { OneOffs } from '../run/one-offs.ts'
import { serveRendezvous } from '../run/rendezvous.ts'
import type { Store } from '../store/store.ts'
import { endOutputs } from './cancel.ts'
import { LogCollector } from './collect-logs.ts'
import { continueSetup } from './continue-setup.ts'
import { converge, release } from './converge.ts'
import { Dispatcher } from './dispatcher.ts'
import { LogCursors } from './log-cursors.ts'
import { BuildMeter } from './measure-builds.ts'
import { DynoMeter } from './measure-dynos.ts'
import { patrol } from './patrol.ts'
import { recover, resumeWork } from './recover.ts'
import { RememberedStates } from '../dynos/remembered-states.ts'
import { replaceSilent } from '../dynos/replace-silent.ts'
import { restart } from './restart.ts'
import { runBuild } from './run-build.ts'
import { watchEngine } from './watch.ts'

/** The parts a worker is made of, each open and closed by the caller. */
export type WorkerParts = {
  config: Config
  serverId: string
  log: Logger
  store: Store
  engine: Engine
  router: RouterControl
  pipeline: RunPipeline
  sandboxes: BuildSandboxes
  repositories: Repositories
  logs: AppLogWriter
  outputs: OutputWriters
}

/** Restarts under way at once; other jobs are taken and done with. */
const concurrency = 100
/** Milliseconds a start waits for the engine before it says ready without it. */
const patience = 10_000

/**
 * Starts to work: first everything a dead worker, a restarted engine or a rebooted machine left behind is put in order, then jobs are
 * taken. While the engine is away the worker waits for it. Disposal gives running builds back and leaves the apps running.
 */
export async function openWorker(parts: WorkerParts): Promise<AsyncDisposable> {
  await using life = new AsyncDisposableStack()
  const deps = assemble(parts, life)
  const { dispatcher } = deps
  const stopping = new AbortController()

  const first = Promise.withResolvers<void>()
  let begun = false
  const engineBack = async (): Promise<void> => {
    await recover(deps, { first: !begun })
    begun = true
    first.resolve()
  }
  const watching = watchEngine({ ...deps, ...onEvents(deps), engineBack }, stopping.signal)
  const patrolling = patrol(deps, stopping.signal)
  const replacing = replaceSilent(deps, stopping.signal)
  const meter = life.use(new RoleMeter())
  life.use(await serveFigures(parts.config.paths.workerSocket, () => figuresOf(deps, meter)))
  const measuring = deps.dynoMeter.watch(stopping.signal)
  life.defer(async () => {
    stopping.abort()
    await Promise.all([watching, patrolling, replacing, measuring])
  })
  // Neither job nor client before the host is secured: they run what strangers wrote.
  const meeting = first.promise.then(() => serveRendezvous({ path: parts.config.paths.rendezvousSocket, ...deps }))
  life.defer(async () => (await meeting.catch(() => undefined))?.[Symbol.asyncDispose]())
  life.use(dispatcher)
  deps.drains.sync()
  life.use(deps.oneOffs)
  const taking = meeting.then(() => takeJobs(parts, deps))
  life.defer(async () => {
    first.reject(new Error('stopping'))
    await (await taking.catch(() => undefined))?.[Symbol.asyncDispose]()
  })
  await Promise.race([taking, delay(patience, undefined, { ref: false })])
  return life.move()
}

function assemble(parts: WorkerParts, life: AsyncDisposableStack) {
  const { config, store, log, engine, outputs, router, logs } = parts
  const { paths, build, stop, boot, deployHold, domain, publicUrl } = config
  const platformLog = createPlatformLog(logs)
  const routes = new Routes(router, { controlHost: domain, controlSocket: paths.apiSocket })
  const states = new RememberedStates({ saved: store.dynoStates, log })
  const dynoLog = new DynoLog({ platformLog, states })
  const retirement = new Retirement({ engine, routes, dynoLog, stop, log })
  const cursors = new LogCursors({ path: join(paths.run, 'log-cursors.json'), log })
  const collector = life.use(new LogCollector({ engine, logs, cursors, log }))
  const figures = life.use(new FigureWriter({ directory: paths.metrics, log }))
  const shared = {
    ...parts,
    drains: life.use(openDrainDelivery(parts, life)),
    platformLog,
    dynoLog,
    grants: life.use(new Grants(store)),
    quotas: new Quotas({ store, repositories: parts.repositories, quota: config.accountQuota }),
    exits: new DynoExits(),
    routes,
    retirement,
    cursors,
    collector,
    boot,
    deployHold,
    stop,
    sizes: config.dynoSizes,
    domain,
    publicUrl,
    locks: new AppLocks(),
    states,
    lostImages: new LostImages({ engine, store, platformLog }),
    readyDynos: new ReadyDynos({ states }),
    slots: new Semaphore(build.concurrency),
    slotCount: build.concurrency,
    timeoutSeconds: build.timeoutSeconds,
    buildsDirectory: paths.builds,
    sourcesDirectory: paths.sources,
    tarballBytes: config.limits.packBytes,
    outbound: createOutbound(config),
    packPolicy: createPackPolicy(config),
    metricsDirectory: paths.metrics,
    figures,
    dynoMeter: new DynoMeter({ engine, figures, log }),
    buildMeter: new BuildMeter(),
    again: (appId: AppId) => void dispatcher.converge(appId),
    releaseAside: (appId: AppId) => dispatcher.release(appId),
    cancelAll: (appId: AppId) => dispatcher.cancelAll(appId),
  }
  const oneOffs = new OneOffs(shared)
  const dispatcher: Dispatcher = new Dispatcher(
    {
      build: (buildId, stopBuild) => runBuild({ ...shared, closing: dispatcher.signal }, buildId, stopBuild),
      continueSetup: (buildId, signal) => continueSetup(shared, buildId, signal),
      converge: (appId, signal) => converge(shared, appId, signal),
      release: (appId, signal) => release(shared, appId, signal),
      restart: (appId, dyno, signal) => restart({ ...shared, oneOffs }, appId, dyno, signal),
      run: (oneOffId) => oneOffs.start(oneOffId),
    },
    log,
  )
  return { ...shared, dispatcher, oneOffs, store, outputs }
}

function figuresOf({ figures, dynoMeter, buildMeter }: Assembled, meter: RoleMeter): WorkerFigures {
  const apps = Object.fromEntries(dynoMeter.apps)
  return { process: meter.figures(), apps, ...buildMeter.figures(), dropped: figures.dropped }
}

/** Its lines come from the log's files, not from the collector: so each drain goes on where it was, whatever restarts. */
function openDrainDelivery({ config, store, logs, log }: WorkerParts, life: AsyncDisposableStack): Drains {
  const cursors = new LogCursors({ path: join(config.paths.run, 'drain-cursors.json'), log })
  life.defer(() => cursors.save())
  const appLog = openAppLogReader({ directory: config.paths.logs })
  return new Drains({ store, logs, log, cursors, appLog, outbound: createOutbound(config) })
}

type Assembled = ReturnType<typeof assemble>

function onEvents({ dispatcher, collector }: Assembled) {
  return {
    changed: (appId: AppId) => void dispatcher.converge(appId),
    started: (dyno: Parameters<LogCollector['follow']>[0]) => collector.follow(dyno),
  }
}

/** Redis may have been away: each time it is there the record is asked for what it forgot. */
function takeJobs({ config, serverId, log }: WorkerParts, deps: Assembled): AsyncDisposable {
  const { drains } = deps
  const handlers = {
    run: (job: Job) => take(deps, job),
    cancel: (buildId: BuildId) => void cancel(deps, buildId),
    expect: (appId: AppId) => expectBuild(deps, appId),
    connected: () => {
      resumeWork(deps)
      drains.sync()
    },
  }
  return startWorker({ redis: config.redis, serverId, log, concurrency, handlers })
}

/** The record keeps what a build or a converge has to do, so the queue is done with it; a restart is only in the queue. */
async function take({ dispatcher, drains }: Assembled, job: Job): Promise<void> {
  if (job.kind === 'drains') return drains.sync()
  const done = dispatcher.run(job)
  if (job.kind === 'restart') await done
}

/** An app mostly stays what it is. */
function expectBuild({ store, sandboxes }: Assembled, appId: AppId): void {
  const app = store.apps.get(appId)
  const slugId = app?.currentReleaseId && store.releases.find(app.currentReleaseId)?.slugId
  const isDockerfile = slugId && store.slugs.find(slugId)?.buildpack === 'Dockerfile'
  if (app && !app.destroying) sandboxes.prepare(appId, isDockerfile ? 'dockerfile' : 'packs')
}

/** A build that waited is cancelled by the record alone; then only its readers wait for an end. */
async function cancel({ dispatcher, store, outputs, log }: Assembled, buildId: BuildId): Promise<void> {
  dispatcher.cancel(buildId)
  const build = store.builds.find(buildId)
  if (build) await endOutputs({ store, outputs }, build.appId).catch((error: unknown) => log.warn({ err: error }))
}
