import { html, nothing } from '../html.ts'
import type { ShownDyno } from '../shapes.ts'
import type { Column } from './table.ts'
import { ago, badge, type Tone } from './words.ts'

const tones: Record<ShownDyno['state'], Tone> = {
  starting: 'busy',
  up: 'good',
  crashed: 'bad',
  stopping: 'idle',
  down: 'bad',
}

/** What is told of each dyno wherever dynos are listed. */
export const dynoColumns: Column<ShownDyno>[] = [
  { title: 'Dyno', cell: (dyno) => html`<strong>${dyno.name}</strong>` },
  {
    title: 'State',
    cell: (dyno) =>
      html`${badge(dyno.state, tones[dyno.state])} <span class="quiet">${ago(dyno.updated_at)}</span>${
          dyno.reason ? html`<br />${dyno.name} ${dyno.reason.message}` : nothing
        }`,
  },
  { title: 'Release', cell: (dyno) => `v${dyno.release.version}` },
  { title: 'Size', cell: (dyno) => dyno.size },
  { title: 'Command', cell: (dyno) => html`<code>${dyno.command}</code>` },
]
