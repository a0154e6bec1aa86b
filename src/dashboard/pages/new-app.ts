import { field, submit } from '../components/form.ts'
import { html, type Html } from '../html.ts'
import { serverPage, type Done, type Visit } from '../page.ts'
import { at } from '../platform.ts'

export const newApp = serverPage({
  path: '/apps/new',
  title: 'New app',
  listed: false,
  view,
  actions: { create },
})

function view({ token, here, form }: Visit): Html {
  return html`
    <h1>New app</h1>
    <form method="post" action="${here}" class="card stack narrow">
      ${token}
      ${field({
        name: 'name',
        label: 'Name',
        value: form.get('name') ?? '',
        autocomplete: 'off',
        pattern: '[a-z][a-z0-9\\-]{1,28}[a-z0-9]',
        help: 'Of 3 to 30 letters, digits and dashes; it becomes part of the address. Leave it empty for one that is made up.',
      })}
      ${submit('Make it', 'create')}
    </form>
  `
}

async function create({ platform, form }: Visit): Promise<Done> {
  const name = (form.get('name') ?? '').trim()
  const app = await platform.send<{ name: string }>('POST', '/apps', name === '' ? {} : { name })
  return { to: at`/apps/${app.name}`, said: `${app.name} is there. Push to it to deploy.` }
}
