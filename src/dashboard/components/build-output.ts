import { html, type Html } from '../html.ts'
import { terminal } from './terminal.ts'

/** What a build that is finished printed. */
export function printed(label: string, text: string): Html {
  if (text === '') return html`<p class="quiet">It printed nothing.</p>`
  return html`<pre class="output" tabindex="0" role="region" aria-label="${label}">${terminal(text)}</pre>`
}

/** What one prints while it runs: it fills by the script output.js. */
export function printing(label: string, streamUrl: string): Html {
  const path = new URL(streamUrl).pathname
  return html`<ol class="phases" id="steps-live" aria-label="Steps"></ol>
    <pre
      class="output"
      tabindex="0"
      role="log"
      aria-label="${label}"
      data-stream="${path}"
      data-steps="steps-live"
    ><span class="no-script"><a href="${path}">The output as text</a>, while it happens.</span></pre>`
}
