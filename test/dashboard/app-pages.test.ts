import { describe, expect, it } from 'vitest'
import { TestApi } from '../api/test-api.ts'
import { PlainBrowser } from './browser.ts'

const api = await TestApi.forFile()
const browser = new PlainBrowser(api)
await browser.logIn()

const text = async (path: string) => (await browser.open(`/dashboard${path}`)).text

/** Somebody else with a role for the app, in a browser of their own. */
async function collaborator(app: string, role: 'view' | 'deploy' | 'admin'): Promise<PlainBrowser> {
  const email = `${role}-of-${app}@example.com`
  const { account } = api.stranger(email, 'correct horse')
  api.store.collaborators.set(api.store.apps.find(app)!.id, account.id, role)
  const own = new PlainBrowser(api)
  await own.logIn(email)
  return own
}

describe('the config vars', () => {
  it('are hidden until they are asked for, one or all', async () => {
    const app = await api.newApp('configured')
    api.store.configVars.update(app.id, { TOKEN: 'top <secret>', OTHER: 'also secret' })
    expect(await text('/apps/configured/config')).not.toContain('secret&gt;')
    const one = await text('/apps/configured/config?show=TOKEN')
    expect(one).toContain('top &lt;secret&gt;')
    expect(one).not.toContain('also secret')
    expect(await text('/apps/configured/config?show=*')).toContain('also secret')
  })

  it('are set with their exact bytes: line breaks at both ends, quotes, tags, and no carriage return of the form', async () => {
    const app = await api.newApp('exact')
    await browser.open('/dashboard/apps/exact/config')
    const value = '\n  two\nlines "quoted" </textarea><b>é\n'
    await browser.submit('Set', { name: 'VALUE', value: value.replaceAll('\n', '\r\n') })
    expect(api.store.configVars.get(app.id)).toEqual({ VALUE: value })
    const edit = await text('/apps/exact/config?edit=VALUE')
    expect(edit).toContain('>\n\n  two\nlines &quot;quoted&quot; &lt;/textarea&gt;&lt;b&gt;é\n</textarea>')
  })

  it('are set from a pasted .env file in one release, or not at all when a line is wrong', async () => {
    const app = await api.newApp('pasted')
    await browser.open('/dashboard/apps/pasted/config')
    const wrong = await browser.submit('Set all of them', { file: 'A=1\r\nnonsense\r\n' })
    expect([wrong.status, wrong.text.includes('Line 2 is not KEY=value')]).toEqual([422, true])
    expect(api.store.configVars.get(app.id)).toEqual({})
    const file = '# comment\r\nA=1\r\nexport B="two\\nlines"\r\n'
    expect((await browser.submit('Set all of them', { file })).text).toContain('Set A, B.')
    expect(api.store.configVars.get(app.id)).toEqual({ A: '1', B: 'two\nlines' })
    expect(api.store.releases.list(app.id)).toHaveLength(2)
  })

  it('are unset many at once, after they were named', async () => {
    const app = await api.newApp('emptied')
    api.store.configVars.update(app.id, { A: '1', B: '2', C: '3' })
    const asked = await text('/apps/emptied/config?ask=unset&key=A&key=C&key=NONE')
    expect(asked).toContain('Unset 2 config vars of emptied?')
    await browser.submit('Unset')
    expect(api.store.configVars.get(app.id)).toEqual({ B: '2' })
  })

  it('are not for who may only look', async () => {
    await api.newApp('private')
    const viewer = await collaborator('private', 'view')
    expect((await viewer.open('/dashboard/apps/private')).text).not.toContain('/private/config')
    expect((await viewer.open('/dashboard/apps/private/config')).status).toBe(403)
  })
})

describe('the dynos', () => {
  it('are scaled and change their size by a form of each type', async () => {
    const app = await api.newApp('scaled')
    api.deploy(app)
    await browser.open('/dashboard/apps/scaled/dynos')
    await browser.submit('> web<', { quantity: '3', size: 'standard-2x' })
    expect(browser.page.text).toContain('web: 3 of standard-2x.')
    const [web] = api.store.formations.list(app.id).filter(({ type }) => type === 'web')
    expect(web).toMatchObject({ quantity: 3, size: 'standard-2x' })
    const refused = await browser.submit('> web<', { quantity: '-1', size: 'standard-2x' })
    expect(refused.status).toBe(422)
  })

  it('are shown to who may only look without a button', async () => {
    api.deploy(await api.newApp('looked-at'))
    const viewer = await collaborator('looked-at', 'view')
    const page = await viewer.open('/dashboard/apps/looked-at/dynos')
    expect(page.status).toBe(200)
    expect(page.text).not.toContain('value="scale"')
  })
})

describe('access', () => {
  it('is given, changed and removed', async () => {
    const app = await api.newApp('shared')
    const { account } = api.stranger('ada@example.com')
    const role = () => api.store.collaborators.find(app.id, account.id)?.role
    await browser.open('/dashboard/apps/shared/access')
    await browser.submit('Give access', { email: 'ada@example.com', role: 'view' })
    expect(role()).toBe('view')
    await browser.submit('the role of ada@example.com', { role: 'admin' })
    expect(role()).toBe('admin')
    await browser.open('/dashboard/apps/shared/access?remove=ada%40example.com')
    await browser.submit('Remove access')
    expect(role()).toBeUndefined()
  })

  it('is managed by who may, and given up by oneself', async () => {
    await api.newApp('left')
    const own = await collaborator('left', 'deploy')
    const page = await own.open('/dashboard/apps/left/access')
    expect(page.text).not.toContain('Give access')
    await own.open('/dashboard/apps/left/access?remove=deploy-of-left%40example.com')
    await own.submit('Leave')
    expect(own.path).toBe('/dashboard/apps')
    expect(own.page.text).toContain('You have left left.')
  })
})

describe('the settings', () => {
  it('turn maintenance on and off, set buildpacks and rename', async () => {
    const app = await api.newApp('settled')
    await browser.open('/dashboard/apps/settled/settings')
    expect(browser.page.text).toMatch(/Protocol<\/dt>\s*<dd>http1/)
    await browser.submit('Turn it on')
    expect(api.store.apps.get(app.id)?.maintenance).toBe(true)
    await browser.submit('Turn it off')
    expect(api.store.apps.get(app.id)?.maintenance).toBe(false)
    await browser.submit('Set the buildpacks', { packs: 'heroku/nodejs\r\n' })
    expect(api.store.buildpacks.list(app.id)).toHaveLength(1)
    await browser.submit('Rename', { name: 'resettled' })
    expect(browser.path).toBe('/dashboard/apps/resettled/settings')
    expect(browser.page.text).toContain('It is called resettled now.')
  })

  it('offer the app to another owner, and take the offer back', async () => {
    const app = await api.newApp('offered')
    api.stranger('heir@example.com')
    await browser.open('/dashboard/apps/offered/settings')
    await browser.submit('Offer the app', { recipient: 'heir@example.com' })
    expect(browser.page.text).toContain('It is offered to heir@example.com')
    await browser.submit('Take the offer back')
    expect(api.store.appTransfers.list().filter(({ appId }) => appId === app.id)).toEqual([])
  })

  it('destroy the app once its name was typed, and not without', async () => {
    const app = await api.newApp('doomed')
    await browser.open('/dashboard/apps/doomed/settings?ask=destroy')
    const refused = await browser.submit('Destroy doomed', { confirm: 'wrong' })
    expect([refused.status, api.store.apps.get(app.id)?.destroying]).toEqual([422, false])
    await browser.submit('Destroy doomed', { confirm: 'doomed' })
    expect(browser.path).toBe('/dashboard/apps')
    expect(api.store.apps.find('doomed')).toBeUndefined()
  })
})

describe('domains, data, webhooks and drains', () => {
  it('domains are added with what DNS needs, and removed after a question', async () => {
    const app = await api.newApp('named')
    await browser.open('/dashboard/apps/named/domains')
    await browser.submit('Add', { hostname: 'www.example.org' })
    expect(browser.page.text).toContain('Point it to named.')
    await browser.open('/dashboard/apps/named/domains?remove=www.example.org')
    await browser.submit('Remove')
    expect(api.store.domains.list(app.id)).toEqual([])
    const refused = await browser.submit('Add the certificate', { chain: 'nonsense', key: 'nonsense' })
    expect(refused.status).toBe(422)
    expect(refused.text).not.toContain('>\nnonsense</textarea>\n    <p class="help" id="field-key-help"')
  })

  it('volumes are added, and destroyed once their name was typed', async () => {
    const app = await api.newApp('stored')
    await browser.open('/dashboard/apps/stored/data')
    await browser.submit('Add the volume', { name: 'uploads', mount: '/data', writers: 'several' })
    expect(api.store.volumes.list(app.id)).toMatchObject([{ name: 'uploads', singleWriter: false }])
    await browser.open('/dashboard/apps/stored/data/volumes/uploads?ask=destroy')
    expect((await browser.submit('Destroy uploads', { confirm: 'x' })).status).toBe(422)
    await browser.submit('Destroy uploads', { confirm: 'uploads' })
    expect(browser.page.text).toContain('uploads is destroyed.')
  })

  it('webhooks and drains are added and removed, and a password in an address is not shown', async () => {
    const app = await api.newApp('told')
    await browser.open('/dashboard/apps/told/integrations')
    await browser.submit('Add the webhook', { url: 'https://1.1.1.1/hook', include: 'api:release', level: 'notify' })
    expect(api.store.webhooks.list(app.id)).toMatchObject([{ url: 'https://1.1.1.1/hook' }])
    await browser.submit('Add the drain', { drain: 'https://user:hunter2@1.1.1.1/logs' })
    expect(browser.page.text).toContain('user:***@1.1.1.1')
    expect(browser.page.text).not.toContain('hunter2')
    await browser.submit('value="removeDrain"')
    await browser.submit('value="removeWebhook"')
    expect([api.store.drains.list(app.id), api.store.webhooks.list(app.id)]).toEqual([[], []])
  })
})

describe('the activity', () => {
  it('says who changed what, from where, with hostile names as text', async () => {
    await api.newApp('active')
    const headers = { 'x-forwarded-for': '203.0.113.7' }
    await api.call('PATCH', '/apps/active/config-vars', { body: { GREETING: 'hidden value' }, headers })
    await api.call('POST', '/apps/active/collaborators', { body: { user: '<b>@x.yz', role: 'view' } })
    const page = await text('/apps/active/activity')
    expect(page).toMatch(/<strong>config-vars.update<\/strong>[^]*set: GREETING[^]*203\.0\.113\.7/)
    expect(page).not.toContain('hidden value')
    const none = await text('/apps/active/activity?account=nobody%40example.com')
    expect(none).toContain('No change matches.')
  })
})
