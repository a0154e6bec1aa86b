import { html, type Html } from '../html.ts'

/** A secret that is shown this once, with a button that copies it. */
export function copyable(id: string, text: string): Html {
  return html`<span class="copy"
    ><code id="${id}">${text}</code>
    <button type="button" class="plain needs-script" data-copy="${id}">Copy</button></span
  >`
}

export function codeList(title: string, codes: string[]): Html {
  return html`
    <h1>${title}</h1>
    <section class="card stack" aria-labelledby="codes">
      <h2 id="codes">Recovery codes</h2>
      <p>Keep them where your phone is not. Each logs you in once when the phone is lost. They are shown this once.</p>
      <pre class="output" id="recovery-codes">${codes.join('\n')}</pre>
      <p class="buttons">
        <button type="button" class="plain needs-script" data-copy="recovery-codes">Copy</button>
        <a class="button" href="/dashboard/account/two-factor">I have kept them</a>
      </p>
    </section>
  `
}
