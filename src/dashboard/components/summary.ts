import { html, nothing, type Html } from '../html.ts'
import type { ShownSummary, BuildWord } from '../shapes.ts'
import { badge, type Tone } from './words.ts'

const appStates: Record<ShownSummary['state'], [string, Tone]> = {
  empty: ['nothing deployed', 'idle'],
  maintenance: ['maintenance', 'busy'],
  crashed: ['crashed', 'bad'],
  stopped: ['no dynos', 'idle'],
  up: ['up', 'good'],
  starting: ['starting', 'busy'],
  down: ['down', 'bad'],
}

export function appBadge({ state }: Pick<ShownSummary, 'state'>): Html {
  return badge(...appStates[state])
}

const buildStates: Record<BuildWord, [string, Tone]> = {
  pending: ['waiting', 'busy'],
  running: ['deploying', 'busy'],
  succeeded: ['live', 'good'],
  failed: ['failed', 'bad'],
  cancelled: ['cancelled', 'idle'],
  superseded: ['superseded', 'idle'],
}

export function buildBadge({ state }: { state: BuildWord }): Html {
  return badge(...buildStates[state])
}

/** The last hour as a line, and in words: a picture alone tells some people nothing. */
export function traffic({ per_minute: minutes, p95 }: ShownSummary['traffic']): Html {
  const requests = minutes.reduce((sum, count) => sum + count, 0)
  if (requests === 0) return html`<span class="quiet">no requests</span>`
  const average = requests / minutes.length
  const rate = average >= 10 ? Math.round(average) : average.toFixed(1)
  const said = `${rate}/min${p95 === null ? '' : `, p95 ${p95} ms`}`
  return html`<span class="traffic">${line(minutes)}<span>${said}</span></span>`
}

function line(values: number[]): Html {
  const most = Math.max(...values, 1)
  const step = 60 / Math.max(1, values.length - 1)
  const points = values.map((value, i) => `${(i * step).toFixed(1)},${(15 - (14 * value) / most).toFixed(1)}`)
  return html`<svg class="spark" viewBox="0 0 60 16" width="60" height="16" aria-hidden="true" focusable="false">
    <polyline points="${points.join(' ')}" />
  </svg>`
}

export function dynoCount({ dynos: { wanted, up, crashed } }: Pick<ShownSummary, 'dynos'>): Html {
  if (wanted === 0 && up === 0) return html`<span class="quiet">none</span>`
  return html`${up} of ${wanted}${crashed > 0 ? html`, ${crashed} crashed` : nothing}`
}
