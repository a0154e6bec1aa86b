import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PaasError } from '../errors.ts'
import type { DoorProtocol } from '../model/data-door.ts'
import type { ServicePlan, Service } from '../model/service.ts'

/** A manifest's file. */
const file = 'service.json'
const packageName = /^([a-z0-9]|\{version\})([a-z0-9+.-]|\{version\})+$/
const versionForm = /^[\w.+-]{1,30}$/
/** What a service can have, each a program of its directory. */
const programs = [
  'start',
  'health',
  'rotate',
  'reset',
  'info',
  'client',
  'dump',
  'load',
  'facts',
  'snapshot',
  'configure',
  'disconnect',
  'backup',
  'archived',
  'mark',
  'restore',
  'verify',
  'writes',
  'position',
]

/**
 * The services of these directories, each with directories of services; one of a later directory
 * replaces one of its name. One that cannot be read is told and left out.
 */
export function readServices(directories: string[], onProblem: (problem: PaasError) => void): Service[] {
  const services = new Map<string, Service>()
  for (const directory of directories) {
    for (const name of namesIn(directory, onProblem)) {
      try {
        const service = readService(join(directory, name))
        services.set(service.name, service)
      } catch (cause) {
        onProblem(problemOf(cause, join(directory, name)))
      }
    }
  }
  return [...services.values()]
}

/** An operator need not have a directory of their own. */
function namesIn(directory: string, onProblem: (problem: PaasError) => void): string[] {
  if (!existsSync(directory)) return []
  try {
    const names = readdirSync(directory).toSorted()
    return names.filter((name) => existsSync(join(directory, name, file)))
  } catch (cause) {
    onProblem(problemOf(cause, directory))
    return []
  }
}

/** What is wrong with one service is no reason to be without the others. */
function problemOf(cause: unknown, path: string): PaasError {
  if (cause instanceof PaasError) return cause
  if ((cause as NodeJS.ErrnoException).code !== 'EACCES') throw cause
  const hint = `Try: chmod -R a+rX ${path}`
  return new PaasError('service_invalid', `The users of the server may not read ${path}.`, { hint, cause })
}

/** @throws service_invalid that names the file, the key and what it must be */
function readService(directory: string): Service {
  const path = join(directory, file)
  const given = new Fields(path, parse(path))
  const names = readdirSync(directory)
  const service: Service = {
    name: given.text('name', /^[a-z][a-z0-9-]{1,40}$/),
    aliases: given.texts('aliases', /^[a-z][a-z0-9-]{1,40}$/),
    title: given.text('title', /^[^\n]{1,60}$/),
    family: given.text('family', /^[a-z][a-z0-9]{1,30}$/),
    version: given.text('version', versionForm),
    versions: given.has('versions') ? given.texts('versions', versionForm) : [],
    packages: given.texts('packages', packageName),
    newer: given.has('newer') ? given.texts('newer', packageName) : [],
    extras: given.has('extras')
      ? given.entries('extras', /^[a-z][a-z0-9-]{0,40}$/, (of, name) => of.texts(name, packageName))
      : {},
    attachment: given.text('attachment', /^[A-Z][A-Z0-9_]{1,40}$/),
    further: given.text('further', /^[A-Z][A-Z0-9_]{1,40}$/),
    attachments: given.has('attachments')
      ? given.entries('attachments', /^[a-z][a-z0-9-]{1,40}$/, (of, alias) => of.text(alias, /^[A-Z][A-Z0-9_]{1,40}$/))
      : {},
    port: given.number('port', 1024, 65_535),
    data: given.flag('data', true),
    config: given.entries('config', /^[A-Z][A-Z0-9_]{0,40}$/, (fields, key) => fields.text(key, /^[^\n]{1,500}$/)),
    outside: given.has('outside') ? outside(given) : undefined,
    plans: Object.values(given.entries('plans', /^[a-z][a-z0-9-]{0,40}$/, plan)),
    directory,
    scripts: programs.filter((name) => names.includes(name)),
  }
  given.onlyThese(Object.keys(service).filter((key) => key !== 'directory' && key !== 'scripts'))
  if (service.plans.length === 0) throw given.invalid('plans', 'is empty')
  const unknown = Object.keys(service.attachments).find((alias) => !service.aliases.includes(alias))
  if (unknown !== undefined) throw given.invalid('attachments', `has ${unknown}, which is none of its aliases`)
  for (const name of ['start', 'health']) checkProgram(given, join(directory, name), name)
  return service
}

function outside(service: Fields): NonNullable<Service['outside']> {
  const given = service.inside('outside')
  given.onlyThese(['protocol', 'url'])
  return {
    protocol: given.text('protocol', /^(tls|postgres|mysql)$/) as DoorProtocol,
    url: given.text('url', /^[^\n]{1,500}$/),
  }
}

function plan(plans: Fields, name: string): ServicePlan {
  const given = plans.inside(name)
  const read: ServicePlan = {
    name,
    description: given.has('description') ? given.text('description', /^[^\n]{1,100}$/) : '',
    memoryMiB: given.number('memoryMiB', 16, 1 << 20),
    cpus: given.number('cpus', 1, 256),
    diskMiB: given.number('diskMiB', 0, 1 << 30),
    connections: given.number('connections', 1, 100_000),
    dumpMinutes: given.has('dumpMinutes') ? given.number('dumpMinutes', 15, 1440) : undefined,
    settings: given.has('settings')
      ? given.entries('settings', /^[a-z][a-z0-9_]{0,40}$/, (fields, key) => fields.text(key, /^[^\n\0]{0,500}$/))
      : {},
  }
  given.onlyThese(Object.keys(read).filter((key) => key !== 'name'))
  return read
}

function checkProgram(given: Fields, path: string, name: string): void {
  const isProgram = existsSync(path) && (statSync(path).mode & 0o111) !== 0
  if (!isProgram) throw given.invalid(name, 'must lie beside it as a program (chmod +x)')
}

function parse(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new PaasError('service_invalid', `${path} cannot be read: ${(cause as Error).message}.`, { cause })
  }
}

/** An object of a manifest, whose every value is checked. */
class Fields {
  readonly #path: string
  readonly #at: string
  readonly #values: Record<string, unknown>

  constructor(path: string, values: unknown, at = '') {
    this.#path = path
    this.#at = at
    if (typeof values !== 'object' || values === null || Array.isArray(values)) {
      throw new PaasError('service_invalid', `${path}: ${at || 'the file'} must be an object.`)
    }
    this.#values = values as Record<string, unknown>
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#values, key)
  }

  inside(key: string): Fields {
    return new Fields(this.#path, this.#values[key], this.#name(key))
  }

  text(key: string, form: RegExp): string {
    const value = this.has(key) ? this.#values[key] : undefined
    if (typeof value === 'string' && form.test(value)) return value
    throw this.invalid(key, `must be text like ${form.source}`)
  }

  texts(key: string, form: RegExp): string[] {
    const value = this.has(key) ? this.#values[key] : []
    if (Array.isArray(value) && value.every((one) => typeof one === 'string' && form.test(one)))
      return value as string[]
    throw this.invalid(key, `must be a list of texts like ${form.source}`)
  }

  number(key: string, least: number, most: number): number {
    const value = this.#values[key]
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
    throw this.invalid(key, `must be a whole number from ${least} to ${most}`)
  }

  flag(key: string, usual: boolean): boolean {
    const value = this.has(key) ? this.#values[key] : usual
    if (typeof value === 'boolean') return value
    throw this.invalid(key, 'must be true or false')
  }

  entries<T>(key: string, form: RegExp, read: (fields: Fields, key: string) => T): Record<string, T> {
    const fields = this.inside(key)
    const wrong = Object.keys(fields.#values).find((name) => !form.test(name))
    if (wrong !== undefined) throw fields.invalid(wrong, `must have a name like ${form.source}`)
    return Object.fromEntries(Object.keys(fields.#values).map((name) => [name, read(fields, name)]))
  }

  onlyThese(keys: string[]): void {
    const unknown = Object.keys(this.#values).find((key) => !keys.includes(key))
    if (unknown !== undefined) throw this.invalid(unknown, `is not known; there is ${keys.join(', ')}`)
  }

  invalid(key: string, problem: string): PaasError {
    return new PaasError('service_invalid', `${this.#path}: ${this.#name(key)} ${problem}.`)
  }

  #name(key: string): string {
    return this.#at ? `${this.#at}.${key}` : key
  }
}
