import { readFileSync, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { isCode, PaasError } from './errors.ts'
import type { Environment } from './settings-reader.ts'

/** Where `npm run service` keeps the settings of a machine's server. */
const usualSettingsFile = '/etc/paas/settings.env'

/** undefined: none is read. @throws settings_invalid */
export function settingsFileOf(env: Environment): string | undefined {
  const path = env['PAAS_SETTINGS'] || usualSettingsFile
  if (path === 'off') return undefined
  if (isAbsolute(path)) return path
  throw invalid(`PAAS_SETTINGS is "${path}"; it must be an absolute path, or off`)
}

/**
 * Makes the lines of the settings file environment variables, but for those that are set already.
 * Processes that inherit them read no file again.
 * @returns the names that the file has; undefined where there is none
 * @throws settings_invalid where it cannot be read or trusted; what it says of the data directory
 *   is taken even so, for a router that serves there
 */
export function takeSettingsFile(env: Environment): { path: string; names: string[] } | undefined {
  const path = settingsFileOf(env)
  env['PAAS_SETTINGS'] = 'off'
  const text = path === undefined ? undefined : read(path)
  if (path === undefined || text === undefined) return undefined
  const { settings, wrong } = parseSettings(text)
  for (const [name, value] of Object.entries(settings)) env[name] ||= value
  refuse(path, wrong)
  return { path, names: Object.keys(settings) }
}

/** Empty where there is no file. @throws settings_invalid */
export function readSettingsFile(path: string): Record<string, string> {
  const text = read(path)
  if (text === undefined) return {}
  const { settings, wrong } = parseSettings(text)
  refuse(path, wrong)
  return settings
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if (isCode(cause, 'ENOENT')) return undefined
    if (!isCode(cause, 'EACCES', 'EISDIR', 'ENOTDIR')) throw cause
    const hint = 'Run this as root, or set PAAS_SETTINGS=off for a server of your own.'
    throw invalid(`${path} cannot be read by this user`, hint)
  }
}

/** What others can write decides what runs as root; what they can read may be a password. */
function refuse(path: string, wrong: number[]): void {
  const { mode, uid } = statSync(path)
  if (uid !== 0 && uid !== process.getuid?.()) {
    throw invalid(`${path} belongs to another user`, `Run: chown root ${path}`)
  }
  if ((mode & 0o077) !== 0) {
    throw invalid(`${path} is open to other users than its owner`, `Run: chmod 600 ${path}`)
  }
  // Not the line itself, which may be a password.
  if (wrong.length > 0) throw invalid(`line ${wrong.join(', ')} of ${path} is not NAME=value`)
}

/**
 * Lines such as `PAAS_DOMAIN=paas.example.com`, as systemd reads them too (EnvironmentFile in
 * systemd.exec(5)): nothing in a value is expanded, quotes around all of it are taken away.
 * @returns also the numbers of the lines that are none of these
 */
export function parseSettings(text: string): { settings: Record<string, string>; wrong: number[] } {
  const settings: Record<string, string> = {}
  const wrong: number[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(#.*)?$/.test(line)) continue
    const [, name, value = ''] = /^\s*([A-Z_][A-Z0-9_]*)=(.*)$/.exec(line) ?? []
    if (name === undefined) wrong.push(index + 1)
    else settings[name] = unquoted(value.trim())
  }
  return { settings, wrong }
}

/** The text of a file that gives these settings. */
export function formatSettings(settings: Record<string, string>): string {
  const about = '# Settings of paas (docs/configuration.md). Environment variables win over them.\n'
  return about + Object.entries(settings).reduce((text, [name, value]) => `${text}${name}=${value}\n`, '')
}

function unquoted(value: string): string {
  return /^(["']).*\1$/.test(value) && value.length > 1 ? value.slice(1, -1) : value
}

function invalid(problem: string, hint?: string): PaasError {
  return new PaasError('settings_invalid', `Settings: ${problem}.`, { hint })
}
