import { html, type Html } from '../html.ts'

/** A moment: in UTC, until the script of the page says it in the viewer's zone. */
export function moment(iso: string | null, precision: 'minutes' | 'seconds' = 'minutes'): Html {
  if (iso === null) return html`<span class="quiet">never</span>`
  if (precision === 'minutes') return html`<time datetime="${iso}">${utc(iso)}</time>`
  return html`<time datetime="${iso}" data-seconds>${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC</time>`
}

/**
 * How long ago, which the script keeps up to date. Said here already, so that the first paint of a
 * page is its last.
 */
export function ago(iso: string | null): Html {
  if (iso === null) return html`<span class="quiet">never</span>`
  return html`<time datetime="${iso}" title="${utc(iso)}" data-ago>${since(new Date(iso))}</time>`
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'narrow' })
const units = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

/** As page.js says it. */
function since(date: Date): string {
  const seconds = Math.round((date.getTime() - Date.now()) / 1000)
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1]
  return relative.format(Math.trunc(seconds / size), unit)
}

function utc(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`
}

/** `0.4 s`, `45 s`, `2 min 5 s` */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}

export type Tone = 'good' | 'bad' | 'busy' | 'idle'

/** A state in a word, whose colour is not all that tells it. */
export function badge(text: string, tone: Tone): Html {
  return html`<span class="badge ${tone}">${text}</span>`
}

/** The short form that git shows. */
export function commit(sha: string | null): Html {
  return sha === null ? html`<span class="quiet">none</span>` : html`<code title="${sha}">${sha.slice(0, 8)}</code>`
}

/** `512 KiB`, `1.5 GiB` */
export function bytes(count: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = count < 1 ? 0 : Math.min(Math.floor(Math.log2(count) / 10), units.length - 1)
  const value = count / 2 ** (10 * power)
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}
