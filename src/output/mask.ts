import type { ConfigVars } from '../model/release.ts'
import { WordSearch } from './word-search.ts'

export type Mask = {
  apply(text: string): string
  /** Length of the longest secret in UTF-16 units; 0: no secrets. */
  readonly longest: number
  /** Masks these secrets too, from now on. */
  add(config: ConfigVars): void
}

/** Settings whose values are words one wants to read in a build's output. */
const plainKeys = new Set([
  'NODE_ENV',
  'STACK',
  'RAILS_ENV',
  'RACK_ENV',
  'DJANGO_SETTINGS_MODULE',
  'PROJECT_PATH',
  'APP_BASE',
  'LANG',
  'LC_ALL',
  'TZ',
])
const shortest = 6
/** Where a server is, such as the app's own address, and nothing beside (RFC 6454, an origin). */
const origin = /^https?:\/\/[\w.-]+(?::\d+)?\/?$/i

/**
 * Replaces what config vars hold by `[secret]`, wherever it stands in a text. Values under 6
 * characters, origins and values of a few well-known plain settings stay: masking them would make
 * output unreadable and hide nothing.
 */
export function createMask(config: ConfigVars): Mask {
  const mask = new ConfigMask()
  mask.add(config)
  return mask
}

class ConfigMask implements Mask {
  longest = 0
  readonly #secrets = new Set<string>()
  #search: WordSearch | undefined

  add(config: ConfigVars): void {
    for (const form of Object.entries(config).flatMap(([key, value]) => formsOf(key, value))) this.#secrets.add(form)
    for (const { length } of this.#secrets) this.longest = Math.max(this.longest, length)
    this.#search = undefined
  }

  apply(text: string): string {
    if (this.#secrets.size === 0) return text
    this.#search ??= new WordSearch(this.#secrets)
    let masked = ''
    let from = 0
    for (const { start, end } of this.#search.find(text)) {
      masked += `${text.slice(from, start)}[secret]`
      from = end
    }
    return masked + text.slice(from)
  }
}

/**
 * The value, each of its lines, the password in it if it is a URL, and all of them percent-encoded.
 */
function formsOf(key: string, value: string): string[] {
  if (plainKeys.has(key) || origin.test(value)) return []
  return [...value.split(/[\r\n]+/).map((line) => line.trim()), ...passwordsIn(value)]
    .flatMap((form) => [form, encodeURIComponent(form.toWellFormed())])
    .filter((form) => form.length >= shortest && !/^-----(BEGIN|END) [A-Z ]+-----$/.test(form))
}

function passwordsIn(value: string): string[] {
  const [, password] = /^[a-z][a-z0-9+.-]*:\/\/[^/?#:@]*:([^/?#@]+)@/i.exec(value) ?? []
  return password === undefined ? [] : [password, decoded(password)]
}

function decoded(text: string): string {
  return /^(?:[^%]|%[0-7][0-9a-f])*$/i.test(text) ? decodeURIComponent(text) : text
}
