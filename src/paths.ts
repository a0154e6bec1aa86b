import { join } from 'node:path'

/** Where a server has its files. */
export type Paths = {
  format: string
  database: string
  key: string
  /** What an operator has added to the services of the server. */
  services: string
  repositories: string
  builds: string
  logs: string
  /** What apps show in place of the router's pages. */
  pages: string
  /** Tarballs that were uploaded for builds. */
  sources: string
  metrics: string
  redis: string
  /** The router's alone: its table, and the key that seals the private keys in it. */
  router: string
  routingTable: string
  /** The ports at which add-ons are reached from outside. */
  dataDoors: string
  routingTableKey: string
  serverLog: string
  /** Backups of add-ons, and what is downloaded to be loaded into one. The worker's alone. */
  dumps: string
  /** What became of backups, and what one holds while it is made. */
  backups: string
  /** What a look at the machine found last. */
  findings: string
  /** Where backups go, and the passphrase they have, as long as the operator has named no place. */
  backupsHere: string
  backupsHerePassphrase: string
  /** Of processes that use the backup target. */
  backupsLock: string
  /**
   * Holds what follows: the authority's certificate, for everybody; the same with its key; the
   * server's own with its key.
   */
  tls: string
  tlsAuthority: string
  tlsAuthorityKey: string
  tlsCertificate: string
  run: string
  lock: string
  /** Of the sockets, by who makes them and who may come to them. */
  runs: Record<'router' | 'figures' | 'api' | 'worker' | 'gate' | 'gateFigures' | 'vault' | 'meeting' | 'redis', string>
  apiSocket: string
  hookSocket: string
  /** Takes the worker's calls to the router. */
  routerSocket: string
  /** Serves the router's counters only. */
  routerFiguresSocket: string
  workerSocket: string
  /** Where the api asks the worker of containers and images. */
  containersSocket: string
  /** Where the worker reaches the engine, and asks for what else needs rights. */
  gateSocket: string
  /** Where the api asks the gate what it uses. */
  gateFiguresSocket: string
  /** Where the worker stores copies of volumes, and gets them back. */
  vaultSocket: string
  /** Gets the connections of attached one-off dynos. */
  rendezvousSocket: string
}

export function pathsIn(data: string): Paths {
  const run = join(data, 'run')
  const tls = join(data, 'tls')
  const router = join(data, 'router')
  const runs = {
    router: join(run, 'router'),
    figures: join(run, 'figures'),
    api: join(run, 'api'),
    worker: join(run, 'worker'),
    gate: join(run, 'gate'),
    gateFigures: join(run, 'gate-figures'),
    vault: join(run, 'vault'),
    meeting: join(run, 'meet'),
    redis: join(run, 'redis'),
  }
  return {
    format: join(data, 'paas.json'),
    database: join(data, 'paas.db'),
    key: join(data, 'key'),
    services: join(data, 'services'),
    repositories: join(data, 'repositories'),
    builds: join(data, 'builds'),
    logs: join(data, 'logs'),
    pages: join(data, 'pages'),
    sources: join(data, 'sources'),
    metrics: join(data, 'metrics'),
    redis: join(data, 'redis'),
    router,
    routingTable: join(router, 'routes.json'),
    routingTableKey: join(router, 'routes-key'),
    dataDoors: join(router, 'data-doors.json'),
    serverLog: join(data, 'server.log'),
    dumps: join(data, 'dumps'),
    backups: join(data, 'backups'),
    findings: join(data, 'findings.json'),
    backupsHere: join(data, 'backups/here'),
    backupsHerePassphrase: join(data, 'backups/passphrase'),
    backupsLock: join(data, 'backups/target.lock'),
    tls,
    tlsAuthority: join(tls, 'authority.pem'),
    tlsAuthorityKey: join(tls, 'authority-key.pem'),
    tlsCertificate: join(tls, 'certificate.pem'),
    run,
    lock: join(run, 'lock'),
    runs,
    apiSocket: join(runs.api, 'api.sock'),
    hookSocket: join(runs.api, 'hook.sock'),
    routerSocket: join(runs.router, 'control.sock'),
    routerFiguresSocket: join(runs.figures, 'router.sock'),
    workerSocket: join(runs.worker, 'figures.sock'),
    containersSocket: join(runs.worker, 'containers.sock'),
    gateSocket: join(runs.gate, 'engine.sock'),
    gateFiguresSocket: join(runs.gateFigures, 'gate.sock'),
    vaultSocket: join(runs.vault, 'vault.sock'),
    rendezvousSocket: join(runs.meeting, 'rendezvous.sock'),
  }
}
