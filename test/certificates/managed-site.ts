import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { once } from 'node:events'
import { X509Certificate } from 'node:crypto'
import { Certificates } from '../../src/certificates/certificates.ts'
import { loadConfig, type Config } from '../../src/config.ts'
import { routeFor, shownCertificate } from '../../src/dynos/route.ts'
import { createLog } from '../../src/log.ts'
import type { App } from '../../src/model/app.ts'
import type { AppId } from '../../src/model/ids.ts'
import type { ManagedCertificate } from '../../src/model/managed-certificate.ts'
import { createOutbound } from '../../src/outbound/outbound.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import { Pebble, type PebbleOptions } from '../helpers/pebble.ts'
import { startTlsRouter, testIdentity, type TlsRouter } from '../router/helpers/tls-router.ts'

export type SiteOptions = Omit<PebbleOptions, 'ports'> & {
  settings?: Record<string, string>
  /** Where the authority is told to come for HTTP, in place of the router's port. */
  httpPort?: number
}

/**
 * The record, a router that speaks TLS, an authority and what gets certificates from it: real parts in one process. Apps
 * run nowhere: what is theirs is a route.
 */
export class ManagedSite implements AsyncDisposable {
  readonly store: Store
  readonly router: TlsRouter
  readonly pebble: Pebble
  readonly config: Config
  /** Of all apps. */
  readonly log: string[] = []
  readonly #life: AsyncDisposableStack
  #certificates: Certificates | undefined

  private constructor(parts: { router: TlsRouter; pebble: Pebble; config: Config; life: AsyncDisposableStack }) {
    this.router = parts.router
    this.pebble = parts.pebble
    this.config = parts.config
    this.#life = parts.life
    const { database, key } = parts.config.paths
    this.store = this.#life.use(openStore({ path: database, keyPath: key }))
  }

  static async start(options: SiteOptions = {}): Promise<ManagedSite> {
    await using life = new AsyncDisposableStack()
    const directory = mkdtempSync(join(tmpdir(), 'paas-certificates-'))
    life.defer(() => rmSync(directory, { recursive: true, force: true }))
    const { identity } = await testIdentity()
    const router = life.use(await startTlsRouter(identity, { tlsPort: 443 }))
    const ports = { http: options.httpPort ?? router.port, tls: router.tlsPort }
    const pebble = life.use(await Pebble.start({ ports, ...options }))
    const config = loadConfig({
      PAAS_DATA: directory,
      PAAS_DOMAIN: 'paas.test',
      PAAS_ACME_DIRECTORY: pebble.directory,
      PAAS_ACME_EMAIL: 'operator@example.com',
      PAAS_ACME_CA_FILE: pebble.authority,
      PAAS_ACME_HTTP_PORT: String(ports.http),
      PAAS_ACME_TLS_PORT: String(ports.tls),
      PAAS_DNS_SERVERS: pebble.nameServer,
      ...options.settings,
    })
    const site = new ManagedSite({ router, pebble, config, life: life.move() })
    await site.begin()
    return site
  }

  /** A worker begins to look after certificates. */
  async begin(): Promise<void> {
    const { config, store, router, log } = this
    const certificates = new Certificates({
      config,
      store,
      router: { prove: async (proofs) => router.router.proofs.show(proofs) },
      outbound: createOutbound(config),
      platformLog: { api: (_, text) => void log.push(text) },
      log: createLog('test', process.env['TEST_LOG'] ?? 'silent'),
    })
    this.#certificates = certificates
    const showOwn = async (): Promise<void> => {
      const { managedCertificates } = store
      const own = managedCertificates.list(null).flatMap((one) => shownCertificate(managedCertificates, one))
      router.router.routes.install({ ...router.router.routes.table, certificates: own })
    }
    await certificates.begin({ converge: (appId) => this.route(appId), showOwn })
  }

  /** It ends, in the midst of whatever it does. */
  async end(): Promise<void> {
    await this.#certificates?.[Symbol.asyncDispose]()
  }

  wake(): void {
    this.#certificates?.wake()
  }

  /** As the worker does when an app's record changed. */
  route(appId: AppId): void {
    const app = this.store.apps.get(appId)
    if (!app) return
    const targets = this.router.router.routes.table.routes.find((one) => one.appId === appId)?.targets ?? []
    const made = routeFor({ store: this.store, domain: this.config.domain }, app, { ready: [], wantsWeb: true })
    this.router.router.routes.switchTo(targets.length > 0 ? { ...made, state: 'up', targets } : made)
  }

  /** An app with these domains, at a port of this machine. */
  app(name: string, hostnames: string[] = [], port?: number): App {
    const owner =
      this.store.accounts.list()[0] ?? this.store.accounts.create({ email: 'owner@example.com', admin: true })
    const app = this.store.apps.create({ name, ownerId: owner.id, stack: 'debian-13' })
    for (const hostname of hostnames) this.store.domains.create({ appId: app.id, hostname, sniEndpointId: null })
    this.route(app.id)
    if (port !== undefined) {
      const { routes } = this.router.router
      const made = routes.table.routes.find((one) => one.appId === app.id)!
      routes.switchTo({
        ...made,
        state: 'up',
        targets: [{ id: `t${port}`, dyno: 'web.1', release: 1, host: '127.0.0.1', port }],
      })
    }
    this.wake()
    return app
  }

  record(name: string): ManagedCertificate | undefined {
    return this.store.managedCertificates.find(name)
  }

  /** As if the time had come: it is renewed at the next look. */
  makeDue(name: string): void {
    const { id } = this.record(name)!
    this.store.managedCertificates.setRenewal(id, new Date(Date.now() - 1000), new Date())
  }

  /** The authority is asked now when it wants it to be renewed. */
  askRenewal(name: string): void {
    const { id, issued } = this.record(name)!
    this.store.managedCertificates.setRenewal(id, issued!.renewAt, new Date())
    this.wake()
  }

  /** Tried now, whatever became of the last attempt. */
  retry(...names: string[]): void {
    for (const { id, name, state } of this.store.managedCertificates.listAll()) {
      if (names.includes(name)) this.store.managedCertificates.setState(id, state, { failures: 0, nextAt: new Date() })
    }
    this.wake()
  }

  /** What a visitor of the host is shown. */
  async shown(host: string | undefined): Promise<X509Certificate> {
    const servername = host === undefined ? {} : { servername: host }
    const socket = connect({ host: '127.0.0.1', port: this.router.tlsPort, rejectUnauthorized: false, ...servername })
    try {
      await once(socket, 'secureConnect')
      return socket.getPeerX509Certificate()!
    } finally {
      socket.destroy()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
    await this.#life.disposeAsync()
  }
}
