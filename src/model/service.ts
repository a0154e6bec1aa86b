import type { DoorProtocol } from './data-door.ts'

/** What add-ons are made of, as its directory has it (`services/redis/`). */
export type Service = {
  /** As Heroku's command looks for it: `heroku-redis`. */
  name: string
  /** Other names of it: `redis`. */
  aliases: string[]
  /** For people: `Valkey (Redis)`. */
  title: string
  /** What names of its add-ons and processes begin with: `redis`. */
  family: string
  /** The stack's own, which an add-on gets unless it is asked for with another. */
  version: string
  /** Others, whose packages only the operator's package source may have. */
  versions: string[]
  /** Debian's, beyond those of every run image; {version} is filled in, also in those of extras. */
  packages: string[]
  /** Which of all packages come from the operator's source where that has newer ones. */
  newer: string[]
  /** What an add-on may be asked for with: more packages, by the option's name. */
  extras: Record<string, string[]>
  /** What the first one of an app is attached as, and what the names of further ones begin with. */
  attachment: string
  further: string
  /** What it is attached as where it is asked for by these aliases: `jawsdb` → `JAWSDB`. */
  attachments: Record<string, string>
  port: number
  /** Whether it keeps anything on the disk. */
  data: boolean
  /**
   * What follows the attachment's name → value, in which {user}, {password}, {database}, {host} and
   * {port} are filled in.
   */
  config: Record<string, string>
  /** How it is reached from outside, where that is possible: `url` is filled in as `config` is. */
  outside: { protocol: DoorProtocol; url: string } | undefined
  /** The first one is the usual one. */
  plans: ServicePlan[]
  /** Absolute. */
  directory: string
  /** Its programs, of which `start` and `health` are always there. */
  scripts: string[]
}

export type ServicePlan = {
  /** Without the service's: `mini`. */
  name: string
  description: string
  memoryMiB: number
  cpus: number
  diskMiB: number
  connections: number
  /** Minutes between dumps, where something was written; absent: a day. */
  dumpMinutes?: number | undefined
  /** For the scripts: SERVICE_NAME=value. */
  settings: Record<string, string>
}

/** The one that has this name or alias. */
export function serviceNamed(services: Service[], name: string): Service | undefined {
  return services.find((one) => one.name === name) ?? services.find(({ aliases }) => aliases.includes(name))
}

/** The service as an alias has it, with other names of attachments. */
export function serviceCalledBy(service: Service, alias: string): Service {
  const own = Object.hasOwn(service.attachments, alias) ? service.attachments[alias] : undefined
  return own === undefined ? service : { ...service, attachment: own, further: own }
}

/** The Debian packages of one version, with those of its extras. */
export function packagesOf({ packages, extras }: Service, version: string, wanted: string[]): string[] {
  const all = [...packages, ...wanted.flatMap((name) => extras[name] ?? [])]
  return all.map((name) => name.replaceAll('{version}', version))
}

/** A plan by its name without the service's; undefined: the usual one. */
export function planNamed({ plans }: Service, name: string | undefined): ServicePlan | undefined {
  return name === undefined ? plans[0] : plans.find((plan) => plan.name === name)
}
