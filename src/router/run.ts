import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { asPaasError, PaasError } from '../errors.ts'
import type { AppLogWriter } from '../model/app-log.ts'
import type { Logger } from '../log.ts'
import { FigureWriter } from '../metrics/figure-writer.ts'
import { RoleMeter } from '../metrics/role-meter.ts'
import type { RoutingTable } from '../model/route.ts'
import { retireRouter, routersThere } from './control/client.ts'
import { joinControl, openControl } from './control/open.ts'
import { hasPort } from './control/protocol.ts'
import { DataDoors } from './data-doors/data-doors.ts'
import { defaultLimits, limitsOfThisProcess, type HoldLimits } from './limits.ts'
import { groupOf, type Group } from './group.ts'
import { Origins } from './origin.ts'
import type { ListenAt } from './listen.ts'
import { PageCache } from './page-cache.ts'
import { Router } from './router.ts'
import { loadTable } from './table/table-file.ts'
import { appCertificateLifetime, AppCertificates } from './tls/app-certificates.ts'
import type { TlsIdentity } from './tls/identity.ts'
import { coversApps, issueForHosts, openOwnIdentity } from './tls/own-identity.ts'

/**
 * What requests in flight get when the server stops, milliseconds at most; the supervisor waits for
 * it.
 */
const longestStop = 10_000
/** What a retired router gives its open connections to end by themselves, milliseconds. */
const retirement = 90_000
/** Milliseconds between two looks of a retired router at the table of its successor. */
const followInterval = 200
const renewalInterval = 12 * 3_600_000

export type RunRouterDeps = {
  config: Pick<
    Config,
    | 'paths'
    | 'httpPort'
    | 'httpsPort'
    | 'http2'
    | 'sockets'
    | 'router'
    | 'domain'
    | 'publicUrl'
    | 'acme'
    | 'trustedProxies'
    | 'stop'
    | 'limits'
    | 'hold'
  >
  /** The package's, told in `status`. */
  version: string
  log: Logger
  /** Closed at the end. */
  appLog: AppLogWriter
  /** Its supervisor is gone: it no longer takes over. */
  abandoned?: AbortSignal
}

/**
 * `ended` resolves when another router has taken over, or none came in the time that
 * `awaitSuccessor` gave.
 */
export type RunningRouter = AsyncDisposable & { ended: Promise<string> }

/**
 * Serves from the saved table at once, then takes calls. A router of this data directory that still
 * runs is replaced: both have the port until the old one leaves it, and its last table is taken
 * over. Where a supervisor starts several processes, all of this is the first one's; the others
 * begin with its table.
 * @throws port_in_use, router_unavailable; the running one then keeps serving
 */
export async function runRouter(deps: RunRouterDeps): Promise<RunningRouter> {
  const { config, log, appLog } = deps
  await using stack = new AsyncDisposableStack()
  stack.use(appLog)
  const figures = stack.use(new FigureWriter({ directory: config.paths.metrics, log }))
  const table = await savedTable(config, log)
  const group = groupOf(config.router.secret)
  const router = new Router({
    table,
    limits: limitsOfThisProcess({ appShare: config.limits.appConnectionsPercent, hold: holdOf(config) }),
    appLog,
    figures,
    log,
    origins: new Origins(config),
    pages: new PageCache(config.paths.pages),
    tlsPort: config.httpsPort === undefined ? undefined : (config.acme?.ports.tls ?? config.httpsPort),
  })
  const stop = (): Promise<void> =>
    router.stop({ milliseconds: Math.min(config.stop.drainSeconds * 1000, longestStop), idle: 'close' })
  stack.defer(stop)
  const doorLimits = { connect: defaultLimits.app.connect, handshake: defaultLimits.handshake }
  const { counters } = router
  const doors = stack.use(new DataDoors({ path: config.paths.dataDoors, limits: doorLimits, counters, log }))
  stack.use(renewCertificate({ router, doors }, config, log))
  const { promise: ended, resolve: end } = Promise.withResolvers<string>()
  const limit = stack.use(new Limit(end))
  const onRetire = async (): Promise<void> => {
    limit.set(undefined)
    control.close()
    await Promise.all([router.leavePorts(), doors.leave()])
    void router.stop({ milliseconds: retirement, idle: 'keep' })
    void followSuccessor(router, config)
    end('another router took over')
  }
  const meter = stack.use(new RoleMeter())
  const onAwaitSuccessor = (seconds: number | undefined): void => limit.set(seconds)
  const parts = { router, doors, figures, meter, group: group.name, onRetire, onAwaitSuccessor }
  const isFirst = config.router.number === 1
  if (isFirst) await takePorts({ router, doors, group }, deps)
  const joined = isFirst ? undefined : await joinControl(deps, parts)
  const control = joined ?? (await openControl(deps, parts))
  stack.defer(async () => {
    control.close()
    await stop()
    control.destroy()
  })
  await joined?.begun
  if (!isFirst) await listen({ router, group }, deps, () => false)
  const running = stack.move()
  return { ended, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

/** Of what all processes together may hold. */
function holdOf({ hold: { seconds, requests, mebibytes }, router }: RunRouterDeps['config']): HoldLimits {
  const share = (all: number): number => Math.ceil(all / router.processes)
  return { time: seconds * 1000, requests: share(requests), bytes: share(mebibytes * 2 ** 20) }
}

/**
 * Nobody tells a router that has left of a changed route; what it still holds goes where its
 * successor's table says.
 */
async function followSuccessor(router: Router, config: RunRouterDeps['config']): Promise<void> {
  while (router.held > 0) {
    await delay(followInterval, undefined, { ref: false })
    const table = await loadTable(config.paths).catch(() => undefined)
    if (table) router.routes.install(ownControl(table, config))
  }
}

/** @returns undefined where the server's own certificate does for the apps' names */
function appCertificates(config: RunRouterDeps['config'], log: Logger): AppCertificates | undefined {
  if (coversApps(config.domain)) return undefined
  const issue = (hosts: string[]): Promise<TlsIdentity[]> => issueForHosts(config, hosts, appCertificateLifetime.days)
  return new AppCertificates({ issue, log })
}

/** Where strangers come in. */
type Public = { router: Router; doors: DataDoors }

/** All that may fail comes before the one that serves is told to go. */
async function takePorts({ router, doors, group }: Public & { group: Group }, deps: RunRouterDeps): Promise<void> {
  const { config, log, abandoned } = deps
  const before = (await routersThere(config.paths)).filter(({ status }) => status.group !== group.name)
  const identity = await listen({ router, group }, deps, (port) => hasPort(before[0]?.status.settings, port))
  if (identity !== undefined) {
    doors.show(identity)
    await doors.restore(before.length > 0).catch((cause: unknown) => log.error({ err: cause }, 'no data doors'))
  }
  abandoned?.throwIfAborted()
  // The first one tells its others. Those that have lost theirs are told here.
  for (const { socket } of before) {
    const lastTable = await retireRouter(socket)
    if (lastTable && socket === config.paths.routerSocket) router.routes.install(ownControl(lastTable, config))
  }
}

/** @param isShared whether a router that is about to leave has a port */
async function listen(
  { router, group }: { router: Router; group: Group },
  { config, log }: RunRouterDeps,
  isShared: (port: number) => boolean,
): Promise<TlsIdentity | undefined> {
  const { httpPort, httpsPort, sockets, paths } = config
  const identity = httpsPort === undefined ? undefined : await openOwnIdentity(config)
  const placeOf = (port: number, fd: number | undefined): ListenAt =>
    fd === undefined ? { port, shared: isShared(port) } : { fd }
  expectPort(httpPort, await router.listen(placeOf(httpPort, sockets[0])))
  if (httpsPort === undefined || identity === undefined) return undefined
  const { ticketKeys } = group
  const { http2 } = config
  const { rendezvousSocket } = paths
  const tls = { identity, http2, ticketKeys, rendezvousSocket, appCertificates: appCertificates(config, log) }
  expectPort(httpsPort, await router.listenWithTls(placeOf(httpsPort, sockets[1]), tls))
  return identity
}

function expectPort(expected: number, port: number): void {
  if (port === expected) return
  throw new PaasError('settings_invalid', `The inherited socket for port ${expected} is bound to port ${port}.`)
}

/**
 * Ends a router that nobody takes over from within some seconds; undefined: however long it takes.
 */
class Limit implements Disposable {
  readonly #end: (reason: string) => void
  #timer: NodeJS.Timeout | undefined

  constructor(end: (reason: string) => void) {
    this.#end = end
  }

  set(seconds: number | undefined): void {
    clearTimeout(this.#timer)
    if (seconds === undefined) return
    this.#timer = setTimeout(() => this.#end(`no other router took over within ${seconds} s`), seconds * 1000)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }
}

/** Looks now and then whether the certificate ends soon. One that cannot be renewed is shown on. */
function renewCertificate({ router, doors }: Public, config: RunRouterDeps['config'], log: Logger): Disposable {
  const look = async (): Promise<void> => {
    try {
      const identity = await openOwnIdentity(config)
      router.show(identity)
      doors.show(identity)
    } catch (thrown) {
      log.error({ err: thrown }, 'the certificate could not be renewed')
    }
  }
  const timer = setInterval(() => void look(), renewalInterval).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/**
 * A table that cannot be read is no reason not to start: the worker installs a whole one when it
 * starts.
 */
async function savedTable(config: RunRouterDeps['config'], log: Logger): Promise<RoutingTable> {
  const empty: RoutingTable = { controlHost: '', controlSocket: '', routes: [] }
  try {
    return ownControl((await loadTable(config.paths)) ?? empty, config)
  } catch (thrown) {
    log.error(
      { err: thrown, code: asPaasError(thrown).code },
      'no saved routing table; serving no apps until the worker sends one',
    )
    return ownControl(empty, config)
  }
}

function ownControl(table: RoutingTable, { domain, paths }: RunRouterDeps['config']): RoutingTable {
  return { ...table, controlHost: domain, controlSocket: paths.apiSocket }
}
