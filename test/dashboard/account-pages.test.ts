import { describe, expect, it } from 'vitest'
import { totpCode, totpPeriod } from '../../src/model/totp.ts'
import { TestApi } from '../api/test-api.ts'
import { fromBase32 } from '../helpers/base32.ts'
import { PlainBrowser } from './browser.ts'

const api = await TestApi.forFile()

async function someone(email: string): Promise<PlainBrowser> {
  api.stranger(email, 'correct horse')
  const browser = new PlainBrowser(api)
  await browser.logIn(email)
  return browser
}

const between = (text: string, begin: string, end: string) => text.split(begin)[1]?.split(end)[0] ?? ''

describe('two-factor authentication', () => {
  it('is enabled with a QR code, asked for at the login, and disabled', async () => {
    const browser = await someone('ada@example.com')
    await browser.open('/dashboard/account/two-factor')
    const begun = await browser.submit('Go on', { password: 'correct horse' })
    expect(begun.text).toContain('<svg')
    const secret = fromBase32(between(begun.text, 'id="secret">', '<'))
    const code = (distance: number) => totpCode(secret, totpPeriod(new Date()) + distance)
    const wrong = await browser.submit('Enable', { code: '000000' })
    expect(wrong.text).toMatch(/role="alert"[^]*<svg/)
    const done = await browser.submit('Enable', { code: code(-1) })
    const recovery = between(done.text, 'id="recovery-codes">', '<').trim().split('\n')
    expect(recovery).toHaveLength(10)

    const other = new PlainBrowser(api)
    const asked = await other.logIn('ada@example.com')
    expect(asked.text).toContain('name="code"')
    await other.submit('Log in', { email: 'ada@example.com', password: 'correct horse', code: code(0) })
    expect(other.path).toBe('/dashboard/apps')

    await browser.open('/dashboard/account/two-factor')
    await browser.submit('Disable', { code: recovery[0] ?? '' })
    expect(browser.page.text).toContain('It is disabled')
  })

  it('is not begun without the password', async () => {
    const browser = await someone('eve@example.com')
    await browser.open('/dashboard/account/two-factor')
    const refused = await browser.submit('Go on', { password: 'wrong horse' })
    expect([refused.status, refused.text.includes('<svg')]).toEqual([403, false])
  })
})

describe('tokens and keys', () => {
  it('are made, shown this once, and revoked', async () => {
    const browser = await someone('bob@example.com')
    await browser.open('/dashboard/account/tokens')
    const made = await browser.submit('Make it', { description: 'CI <b>', scope: 'read', life: '604800' })
    const token = between(made.text, 'id="made-token">', '<')
    expect((await api.call('GET', '/apps', { token })).status).toBe(200)
    const list = await browser.open('/dashboard/account/tokens')
    expect(list.text).toContain('CI &lt;b&gt;')
    expect(list.text).not.toContain(token)
    await browser.submit('CI &lt;b&gt;')
    expect((await api.call('GET', '/apps', { token })).status).toBe(401)
  })

  it('a key that is wrong is refused with the reason', async () => {
    const browser = await someone('kim@example.com')
    await browser.open('/dashboard/account/tokens')
    const refused = await browser.submit('Add the key', { key: 'nonsense' })
    expect([refused.status, refused.text.includes('unsupported type')]).toEqual([422, true])
  })
})

describe('for admins', () => {
  it('accounts are made with a first password, disabled, enabled and removed', async () => {
    const admin = new PlainBrowser(api)
    await admin.logIn()
    await admin.open('/dashboard/accounts')
    const made = await admin.submit('Make it', { email: 'new@example.com', name: '<i>New</i>' })
    const password = between(made.text, 'id="first-password">', '<')
    const own = new PlainBrowser(api)
    expect((await own.logIn('new@example.com', password)).status).toBe(200)
    const list = await admin.open('/dashboard/accounts')
    expect(list.text).toContain('&lt;i&gt;New&lt;/i&gt;')
    await admin.open('/dashboard/accounts?ask=disable&account=new%40example.com')
    await admin.submit('Disable')
    expect((await own.open('/dashboard/apps')).text).toContain('Log in')
    await admin.open('/dashboard/accounts?ask=enable&account=new%40example.com')
    await admin.submit('Enable')
    await admin.open('/dashboard/accounts?ask=remove&account=new%40example.com')
    await admin.submit('Remove')
    expect(api.store.accounts.find('new@example.com')).toBeUndefined()
  })

  it('the activity of the server is shown and verified; others see neither it nor the accounts', async () => {
    const admin = new PlainBrowser(api)
    await admin.logIn()
    const page = await admin.open('/dashboard/activity?action=login')
    expect(page.text).toContain('<strong>login</strong>')
    const verified = await admin.submit('Verify the log')
    expect(verified.text).toMatch(/\d+ entries are intact/)
    const other = await someone('curious@example.com')
    expect(other.page.text).not.toContain('/dashboard/activity')
    expect((await other.open('/dashboard/activity')).status).toBe(403)
    expect((await other.open('/dashboard/accounts')).status).toBe(403)
  })
})
