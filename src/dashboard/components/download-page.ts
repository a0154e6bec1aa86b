import { html, type Html } from '../html.ts'
import { moment } from './words.ts'

type Download = { url: string; until: string; back: string; file: string }

/** A file at an address that needs no login, so it is shown: nothing follows it by itself. */
export function downloadPage({ url, until, back, file }: Download): Html {
  return html`
    <h1>Download a backup</h1>
    <section class="card stack" aria-label="The backup">
      <p><a class="button main" href="${new URL(url).pathname}" download="${file}">Download</a></p>
      <p class="quiet">The address is good until ${moment(until)}, for everybody who has it.</p>
      <p><a href="${back}">Back</a></p>
    </section>
  `
}
