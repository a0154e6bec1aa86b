import { readAcme, type AcmeSettings } from './acme-settings.ts'
import type { BackupTarget } from './model/backup-target.ts'
import type { DomainProofSetting, EngineAddress, HostPort, RedisAddress, Registries } from './model/network.ts'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { credentialsPath } from './credentials.ts'
import type { DynoSizes } from './model/formation.ts'
import type { Quota } from './model/quota.ts'
import type { PackageSource } from './model/stack.ts'
import { readPackageSource } from './package-source.ts'
import { pathsIn, type Paths } from './paths.ts'
import { usualRouterProcesses } from './router-processes.ts'
import { takeSettingsFile } from './settings-file.ts'
import { SettingsReader, type Environment } from './settings-reader.ts'

/** In the checkout, wherever the server is started from. */
const usualDataDirectory = resolve(import.meta.dirname, '../data')

const usualStacksDirectory = resolve(import.meta.dirname, '../stack')
const ownServicesDirectory = resolve(import.meta.dirname, '../services')

const mostRouterProcesses = 64

/** Public ones that everybody knows. */
const usualRegistries = [
  'docker.io',
  'ghcr.io',
  'quay.io',
  'gcr.io',
  'mcr.microsoft.com',
  'public.ecr.aws',
  'registry.gitlab.com',
].join(',')

/**
 * All settings of a server. Made once at start by `loadConfig`; only this file reads the
 * environment.
 */
export type Config = {
  /** What the settings were read from beside the environment; undefined: there is no such file. */
  settingsFile: string | undefined
  /** Absolute. */
  dataDirectory: string
  paths: Paths
  httpPort: number
  /** undefined: nothing listens for TLS. */
  httpsPort: number | undefined
  /** Visitors are offered HTTP/2 there. */
  http2: boolean
  /**
   * Descriptors of sockets that were bound for us, of the HTTP port and the TLS port in this order.
   */
  sockets: number[]
  /**
   * Processes that share the public ports; which of them this one is, from 1; and what those of one
   * supervisor have in common, in base64, where there is one.
   */
  router: { processes: number; number: number; secret: string | undefined }
  /** Apps live at NAME.domain, the api at domain itself. Lower-case. */
  domain: string
  /**
   * How users reach the control host, e.g. `http://localhost:8080`; apps have the same scheme and
   * port. No slash at the end.
   */
  publicUrl: string
  /**
   * Networks in CIDR notation, IPv4 and IPv6, whose word about where a request came from is
   * believed.
   */
  trustedProxies: string[]
  /** Roles are users of their own, where root starts the server. */
  separateUsers: boolean
  redis: RedisAddress
  docker: EngineAddress
  /** What runs dynos and builds; undefined: the engine's usual runtime. */
  runtime: string | undefined
  network: Network
  /**
   * Where log drains and webhooks may lead beside the public internet. `allow`: IPv4 networks in
   * CIDR notation.
   */
  outbound: { allow: string[] }
  /** Files of certificate authorities that the environment names, beside the system's own. */
  certificateFiles: string[]
  /** Absolute; shared by all servers of this user. */
  cacheDirectory: string
  /** Where the command keeps its logins; the first start writes the admin's. Absolute. */
  credentialsFile: string
  logLevel: string
  build: {
    memoryMiB: number
    cpus: number
    timeoutSeconds: number
    concurrency: number
    cacheMiB: number
    /** How long a build container waits for the next push of an app after one. */
    standbySeconds: number
  }
  /** Where a Dockerfile's images may come from. */
  registries: Registries
  /** A directory for each stack that apps can be built on. Absolute. */
  stacksDirectory: string
  /** Of services, a directory each: ours, and the operator's. Absolute. */
  servicesDirectories: string[]
  /** Where services have other versions from than the stack's; undefined: nowhere. */
  packageSource: PackageSource | undefined
  boot: { timeoutSeconds: number }
  /** How long a web dyno may give no HTTP answer; undefined: forever. */
  silence: { seconds: number | undefined }
  /** How long new dynos are watched after the switch, beside the old ones. */
  deployHold: { seconds: number }
  dynoSizes: DynoSizes
  /**
   * Name servers that prove domains, by default the machine's own; undefined: domains need no
   * proof.
   */
  domainProof: DomainProofSetting
  /** undefined: no certificates are requested. */
  acme: AcmeSettings | undefined
  /** What each account may have that is no admin's. */
  accountQuota: Quota
  /** What a dyno gets between SIGTERM and SIGKILL, and what requests in flight get before that. */
  stop: { graceSeconds: number; drainSeconds: number }
  /**
   * What the router holds back for an app whose only dyno is being replaced: how long a request
   * waits, how many there are, and what their heads may be together.
   */
  hold: { seconds: number; requests: number; mebibytes: number }
  /** How long a router keeps serving after its server was stopped, for the next to take over. */
  handover: { seconds: number }
  /** How often the worker looks for what nobody told it. */
  patrol: { everySeconds: number }
  /** Where owners may open their databases to the outside; null: nowhere. */
  dataPorts: { first: number; last: number } | null
  /**
   * When each day apps are moved to run images with Debian's updates, in the time zone of the
   * machine; undefined: only when somebody asks for it.
   */
  stackUpgrade: TimeOfDay | undefined
  /** Where backups of the server go; undefined: there are none. */
  backup: BackupSettings | undefined
  /**
   * Where backups of volumes go: there, or else into the data directory, which is lost with its
   * disk.
   */
  volumeBackup: BackupSettings
  limits: {
    slugBytes: number
    packBytes: number
    repositoryBytes: number
    sourceBytes: number
    sourceFiles: number
    /** The share of the router's connections that one app may have. */
    appConnectionsPercent: number
    dynoDiskMiB: number
    volumeMiB: number
    /** Requests per token; undefined: unlimited. */
    apiRequestsPerHour: number | undefined
  }
}

/**
 * What containers may reach of what is closed to them. `allow`: private networks in CIDR notation,
 * such as a package mirror's; `host`: TCP ports of this machine, at one IPv4 address of it or at
 * any; `nameServers`: IPv4 addresses of the only ones that tenants may ask, where not those of the
 * machine.
 */
export type Network = { firewall: boolean; allow: string[]; host: HostPort[]; nameServers?: string[] | undefined }

export type TimeOfDay = { hour: number; minute: number }
export type BackupSettings = BackupTarget & {
  /** When each day, in the time zone of the machine; undefined: only when somebody asks. */
  at: TimeOfDay | undefined
  keepDays: number
}
/** Where a server with these settings has its files, whatever else is wrong with them. */
export function pathsOf(env: Environment = process.env): Paths {
  return pathsIn(dataDirectoryOf(new SettingsReader(env)))
}

/**
 * Reads and checks the settings: environment variables, and those of the settings file beside them,
 * which become variables of this process.
 * @throws settings_invalid that names every problem at once
 */
export function loadConfig(env: Environment = process.env): Config {
  const file = env === process.env ? takeSettingsFile(env) : undefined
  const read = new SettingsReader(env)
  const dataDirectory = dataDirectoryOf(read)
  const httpPort = read.integer('PAAS_HTTP_PORT', 8080, 1, 65535)
  const httpsPort = read.integerOrOff('PAAS_HTTPS_PORT', portBeside(httpPort), 1, 65535)
  const domain = read.domain('PAAS_DOMAIN', 'localhost')
  const paths = pathsIn(dataDirectory)
  const config: Config = {
    settingsFile: file?.path,
    dataDirectory,
    paths,
    httpPort,
    httpsPort,
    http2: read.choice('PAAS_HTTP2', 'on', ['on', 'off']) === 'on',
    sockets: read.sockets(process.pid),
    router: {
      processes: read.integer('PAAS_ROUTER_PROCESSES', usualRouterProcesses(), 1, mostRouterProcesses),
      number: read.integer('ROUTER_NUMBER', 1, 1, mostRouterProcesses),
      secret: read.text('ROUTER_SECRET', '') || undefined,
    },
    domain,
    publicUrl: read.publicUrl('PAAS_PUBLIC_URL', { domain, httpPort }),
    trustedProxies: read.networks('PAAS_TRUSTED_PROXIES', { ipv6: true }),
    separateUsers: read.choice('PAAS_USERS', 'separate', ['separate', 'off']) === 'separate',
    redis: read.redis(join(paths.runs.redis, 'redis.sock')),
    docker: read.docker(paths.gateSocket),
    runtime: read.runtime('PAAS_RUNTIME'),
    network: {
      firewall: read.choice('PAAS_FIREWALL', 'on', ['on', 'off']) === 'on',
      allow: read.networks('PAAS_ALLOW_NETWORKS'),
      host: read.hostPorts('PAAS_ALLOW_HOST'),
      nameServers: read.nameServers('PAAS_DNS'),
    },
    outbound: { allow: read.networks('PAAS_ALLOW_DELIVERIES') },
    certificateFiles: read.files('NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'),
    cacheDirectory: join(resolve(read.text('XDG_CACHE_HOME', join(homedir(), '.cache'))), 'paas'),
    credentialsFile: resolve(credentialsPath(env)),
    logLevel: read.choice('PAAS_LOG_LEVEL', 'info', ['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    build: {
      memoryMiB: read.integer('PAAS_BUILD_MEMORY_MIB', 2048, 128, 1 << 20),
      cpus: read.integer('PAAS_BUILD_CPUS', 2, 1, 256),
      timeoutSeconds: read.integer('PAAS_BUILD_TIMEOUT', 900, 1, 86_400),
      concurrency: read.integer('PAAS_BUILD_CONCURRENCY', 2, 1, 64),
      cacheMiB: read.integer('PAAS_DOCKERFILE_CACHE_MIB', 5120, 1, 1 << 20),
      standbySeconds: read.integer('PAAS_BUILD_STANDBY', 600, 0, 86_400),
    },
    registries: read.registries('PAAS_REGISTRIES', usualRegistries),
    stacksDirectory: resolve(read.text('PAAS_STACKS', usualStacksDirectory)),
    servicesDirectories: [ownServicesDirectory, paths.services],
    packageSource: readPackageSource(read),
    dynoSizes: read.dynoSizes('PAAS_DYNO_SIZES'),
    domainProof: read.domainProof('PAAS_DOMAIN_PROOF', 'PAAS_DNS_SERVERS'),
    acme: readAcme(read),
    accountQuota: {
      apps: read.integerOrOff('PAAS_ACCOUNT_APPS', 100, 0, 1 << 20) ?? null,
      dynos: read.integerOrOff('PAAS_ACCOUNT_DYNOS', 100, 0, 1 << 20) ?? null,
      builds: read.integerOrOff('PAAS_ACCOUNT_BUILDS', 10, 1, 1 << 20) ?? null,
      builds_per_hour: read.integerOrOff('PAAS_ACCOUNT_BUILDS_PER_HOUR', 200, 1, 1 << 20) ?? null,
      one_offs: read.integerOrOff('PAAS_ACCOUNT_ONE_OFFS', 40, 0, 1 << 20) ?? null,
      repository_mib: read.integerOrOff('PAAS_ACCOUNT_REPOSITORY_MIB', 10_240, 1, 1 << 24) ?? null,
    },
    boot: { timeoutSeconds: read.integer('PAAS_BOOT_TIMEOUT', 60, 1, 600) },
    silence: { seconds: read.integerOrOff('PAAS_SILENCE_TIMEOUT', 60, 5, 3600) },
    deployHold: { seconds: read.integer('PAAS_DEPLOY_HOLD', 3, 0, 60) },
    stop: {
      graceSeconds: read.integer('PAAS_STOP_GRACE', 30, 0, 600),
      drainSeconds: read.integer('PAAS_DRAIN_TIMEOUT', 30, 0, 600),
    },
    hold: {
      seconds: read.integer('PAAS_HOLD_TIMEOUT', 60, 1, 600),
      requests: read.integer('PAAS_HOLD_REQUESTS', 1000, 1, 100_000),
      mebibytes: read.integer('PAAS_HOLD_MIB', 16, 1, 1024),
    },
    handover: { seconds: read.integer('PAAS_HANDOVER', 60, 0, 86_400) },
    stackUpgrade: read.timeOfDayOrOff('PAAS_STACK_UPGRADE'),
    ...backupSettings(read, paths),
    dataPorts: read.portRangeOrOff('PAAS_DATA_PORTS'),
    patrol: { everySeconds: read.integer('PAAS_PATROL_INTERVAL', 30, 1, 3600) },
    limits: {
      slugBytes: read.integer('PAAS_MAX_SLUG_MIB', 500, 1, 1 << 20) * 2 ** 20,
      packBytes: read.integer('PAAS_MAX_PUSH_MIB', 500, 1, 1 << 20) * 2 ** 20,
      repositoryBytes: read.integer('PAAS_MAX_REPOSITORY_MIB', 2048, 1, 1 << 24) * 2 ** 20,
      sourceBytes: read.integer('PAAS_MAX_SOURCE_MIB', 1024, 1, 1 << 20) * 2 ** 20,
      sourceFiles: read.integer('PAAS_MAX_SOURCE_FILES', 100_000, 1, 10_000_000),
      appConnectionsPercent: read.integer('PAAS_APP_CONNECTIONS_PERCENT', 50, 1, 100),
      dynoDiskMiB: read.integer('PAAS_MAX_DYNO_DISK_MIB', 10 * 1024, 1, 1 << 24),
      volumeMiB: read.integer('PAAS_MAX_VOLUME_MIB', 10 * 1024, 1, 1 << 24),
      apiRequestsPerHour: read.integerOrOff('PAAS_API_REQUESTS_PER_HOUR', 4500, 60, 1 << 24),
    },
  }
  read.socketPath(paths.containersSocket)
  read.contradictions(config)
  read.unknown(file?.names ?? [])
  read.finish()
  return config
}

function backupSettings(read: SettingsReader, paths: Paths): Pick<Config, 'backup' | 'volumeBackup'> {
  const target = read.backupTarget('PAAS_BACKUP_TARGET', 'PAAS_BACKUP_PASSPHRASE_FILE')
  const at = read.timeOfDayOrOff('PAAS_BACKUP_AT', '03:00')
  const keepDays = read.integer('PAAS_BACKUP_KEEP_DAYS', 30, 1, 36_500)
  const backup = target && { ...target, at, keepDays }
  const here = { repository: paths.backupsHere, passphraseFile: paths.backupsHerePassphrase }
  return { backup, volumeBackup: backup ?? { ...here, at, keepDays } }
}

const dataDirectoryOf = (read: SettingsReader): string => resolve(read.text('PAAS_DATA', usualDataDirectory))

/**
 * The TLS port that goes with an HTTP port: 443 with 80, 8443 with 8080, and so two servers need to
 * be told one port each.
 */
function portBeside(httpPort: number): number {
  return httpPort + 363 <= 65535 ? httpPort + 363 : httpPort - 363
}
