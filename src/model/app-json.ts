import { PaasError } from '../errors.ts'
import { configKeyProblem, configValueProblem } from './config-rules.ts'
import { processTypePattern, type AskedFormation } from './formation.ts'

/**
 * What this server takes from an app.json (Heroku's app.json schema). Everything else in it is for
 * others: `environments` for test runs and review apps, of which there are none here,
 * name, logo and the like are neither used nor checked.
 */
export type AppManifest = {
  env: Record<string, EnvDefault>
  formation: AskedFormation
  /**
   * The path a web dyno answers with a status below 400 when it is ready; null: a connection will
   * do.
   */
  healthcheck: string | null
  /** What a set-up makes first. */
  addons: AskedAddonOfApp[]
  /** Names or addresses, in order. */
  buildpacks: string[]
  /** A command line that a set-up runs after its first deploy. */
  postdeploy: string | null
  stack: string | null
  /** Where a set-up leads: an address, or a path of the app. */
  successUrl: string | null
}

/** `heroku-redis:mini`, and the name of its attachment. */
export type AskedAddonOfApp = { plan: string; as: string | null }

/**
 * A config var that app.json names: with a value, one to be made up, or one that somebody has to
 * give.
 */
export type EnvDefault =
  | { kind: 'value'; value: string }
  | { kind: 'secret' }
  | { kind: 'given'; required: boolean; description: string | null }

/** @throws app_json_invalid that names the key, what it is and what it must be */
export function parseAppJson(text: string): AppManifest {
  const root = object(parseJson(text), 'the file')
  return {
    env: entries(root['env'], 'env', envDefault),
    formation: entries(root['formation'], 'formation', share),
    healthcheck: healthcheck(root),
    addons: addons(root['addons']),
    buildpacks: buildpacks(root['buildpacks']),
    postdeploy: postdeploy(root['scripts']),
    stack: optional(root['stack'], 'stack', string),
    successUrl: optional(root['success_url'], 'success_url', string),
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message.replace(/\s+/g, ' ') : 'it cannot be read'
    throw new PaasError('app_json_invalid', `app.json is not JSON: ${problem}.`, { cause })
  }
}

function envDefault(value: unknown, key: string, name: string): EnvDefault {
  const problem = configKeyProblem(name)
  if (problem) throw invalid(key, problem)
  if (typeof value === 'string') return withValue(value, key)
  const entry = object(value, key)
  const generator = optional(entry['generator'], `${key}.generator`, string)
  if (generator !== null && generator !== 'secret') {
    throw invalid(`${key}.generator`, `is ${show(generator)}; it must be "secret"`)
  }
  const given = optional(entry['value'], `${key}.value`, string) ?? ''
  const required = optional(entry['required'], `${key}.required`, boolean) ?? true
  const description = optional(entry['description'], `${key}.description`, string)
  if (given !== '') return withValue(given, key)
  return generator === null ? { kind: 'given', required, description } : { kind: 'secret' }
}

function withValue(value: string, key: string): EnvDefault {
  const problem = configValueProblem(value)
  if (problem) throw invalid(key, problem)
  return { kind: 'value', value }
}

function share(value: unknown, key: string, type: string): AppManifest['formation'][string] {
  if (!processTypePattern.test(type)) throw invalid(key, 'is not a valid process type: letters, digits, - and _')
  const entry = object(value, key)
  return {
    quantity: optional(entry['quantity'], `${key}.quantity`, quantity),
    size: optional(entry['size'], `${key}.size`, string),
  }
}

function quantity(value: unknown, key: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 100) return value
  throw invalid(key, `is ${show(value)}; it must be a whole number from 0 to 100`)
}

/**
 * `"healthcheck": "/up"`, `{"path": "/up"}`, or a list of checks per process type, as Dokku writes
 * it: the first of web's with a path.
 */
function healthcheck({ healthcheck: one, healthchecks: many }: Record<string, unknown>): string | null {
  if (typeof one === 'string') return path(one, 'healthcheck')
  if (one !== undefined && one !== null) return path(object(one, 'healthcheck')['path'], 'healthcheck.path')
  const web = optional(object(many ?? {}, 'healthchecks')['web'], 'healthchecks.web', array) ?? []
  const checks = web.map((check, index) => object(check, `healthchecks.web[${index}]`)['path'])
  const index = checks.findIndex((checked) => checked !== undefined)
  return index < 0 ? null : path(checks[index], `healthchecks.web[${index}].path`)
}

/** What goes into a request line as it is (RFC 9112 section 3.2.1): visible ASCII, no fragment. */
function path(value: unknown, key: string): string {
  if (typeof value === 'string' && /^\/[!-"$-~]{0,999}$/.test(value)) return value
  throw invalid(key, `is ${show(value)}; it must be a path such as "/health", at most 1000 characters`)
}

function buildpacks(value: unknown): string[] {
  const packs = optional(value, 'buildpacks', array) ?? []
  return packs.map((pack, index) => {
    const key = `buildpacks[${index}]`
    return typeof pack === 'string' ? pack : string(object(pack, key)['url'], `${key}.url`)
  })
}

/** `"heroku-redis"`, or `{"plan": "heroku-redis:mini", "as": "CACHE"}`. */
function addons(value: unknown): AskedAddonOfApp[] {
  return (optional(value, 'addons', array) ?? []).map((one, index) => {
    const key = `addons[${index}]`
    if (typeof one === 'string') return { plan: one, as: null }
    const { plan, as } = object(one, key)
    return { plan: string(plan, `${key}.plan`), as: optional(as, `${key}.as`, string) }
  })
}

function postdeploy(scripts: unknown): string | null {
  const command = object(scripts ?? {}, 'scripts')['postdeploy']
  if (typeof command !== 'object' || command === null) return optional(command, 'scripts.postdeploy', commandLine)
  return commandLine(object(command, 'scripts.postdeploy')['command'], 'scripts.postdeploy.command')
}

/** What a process can be given: its arguments end at a NUL byte. */
function commandLine(value: unknown, key: string): string {
  const text = string(value, key)
  if (!text.includes('\0') && text.isWellFormed()) return text
  throw invalid(key, 'has a NUL byte or is not valid Unicode')
}

function entries<T>(value: unknown, key: string, read: (value: unknown, key: string, name: string) => T) {
  const given = Object.entries(object(value ?? {}, key))
  return Object.fromEntries(given.map(([name, entry]) => [name, read(entry, `${key}.${name}`, name)]))
}

function optional<T>(value: unknown, key: string, read: (value: unknown, key: string) => T): T | null {
  return value === undefined || value === null ? null : read(value, key)
}

function object(value: unknown, key: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw invalid(key, `is ${show(value)}; it must be an object`)
}

function array(value: unknown, key: string): unknown[] {
  if (Array.isArray(value)) return value
  throw invalid(key, `is ${show(value)}; it must be a list`)
}

function string(value: unknown, key: string): string {
  if (typeof value === 'string') return value
  throw invalid(key, `is ${show(value)}; it must be text in quotation marks`)
}

function boolean(value: unknown, key: string): boolean {
  if (typeof value === 'boolean') return value
  throw invalid(key, `is ${show(value)}; it must be true or false`)
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing'
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

function invalid(key: string, problem: string): PaasError {
  const subject = key === 'the file' ? 'the file' : key.slice(0, 160)
  return new PaasError('app_json_invalid', `app.json: ${subject} ${problem}.`)
}
