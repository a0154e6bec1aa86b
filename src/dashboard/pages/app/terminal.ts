import { field, select, submit } from '../../components/form.ts'
import { html, type Html } from '../../html.ts'
import { appPage, type AppVisit, type Done } from '../../page.ts'
import { at } from '../../platform.ts'

export const shell = appPage({
  path: '/terminal',
  title: 'Terminal',
  listed: true,
  role: 'deploy',
  scripts: ['xterm.js', 'terminal.js'],
  styles: ['xterm.css'],
  view,
  actions: { run },
})

type OneOff = { name: string; attach_url: string }

async function view({ platform, form, here, token }: AppVisit): Promise<Html> {
  const sizes = await platform.get<{ name: string }[]>('/dyno-sizes')
  const options = sizes.map(({ name }) => [name, name] as const)
  return html`
    <h1>Terminal</h1>
    <p class="quiet">
      A one-off dyno of its own, with the app's code, config vars and volumes. It ends with the command, or when this
      page is closed.
    </p>
    <form method="post" action="${here}" class="card stack narrow needs-script">
      ${token}
      ${field({ name: 'command', label: 'Command', value: form.get('command') ?? 'bash', required: true, autocomplete: 'off' })}
      ${select({ name: 'size', label: 'Size', value: form.get('size') ?? options[0]?.[0] ?? '', options })}
      <p>${submit('Run it', 'run')}</p>
    </form>
    <p class="no-script">A terminal needs JavaScript. In yours, type <code>paas run bash</code>.</p>
  `
}

async function run({ platform, app, form }: AppVisit): Promise<Done> {
  const command = form.get('command') ?? ''
  const asked = { command, attach: true, size: form.get('size') ?? '', env: { TERM: 'xterm-256color' } }
  const made = await platform.send<OneOff>('POST', at`/apps/${app.name}/dynos`, asked)
  const secret = made.attach_url.split('/').at(-1) ?? ''
  const path = `/dashboard${at`/apps/${app.name}/terminal`}`
  return {
    page: html`
      <div class="title">
        <h1>Terminal: ${made.name}</h1>
        <a class="button" href="${path}">Another one</a>
      </div>
      <p id="terminal-state" role="status" class="quiet">Connecting…</p>
      <div id="terminal" class="shell" data-token="${secret}"></div>
      <p class="quiet"><code>${command}</code></p>
    `,
  }
}
