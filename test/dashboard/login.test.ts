import { describe, expect, it } from 'vitest'
import { TestApi } from '../api/test-api.ts'
import { linkScope } from '../../src/model/login-link.ts'
import { PlainBrowser } from './browser.ts'

const api = await TestApi.forFile()

describe('a browser', () => {
  it('is led from the root to the login, and a program that asks for JSON is not', async () => {
    const browser = new PlainBrowser(api)
    const page = await browser.open('/')
    expect(browser.path).toContain('/dashboard/login')
    expect(page.text).toContain('<h1>Log in</h1>')
    const answer = await api.call('GET', '/')
    expect([answer.status, answer.body['id']]).toEqual([404, 'not_found'])
  })

  it('goes on after the login to the page that was asked for, and nowhere else', async () => {
    const browser = new PlainBrowser(api)
    await browser.open('/dashboard/account')
    await browser.submit('Log in', { email: 'admin@example.com', password: 'correct horse' })
    expect(browser.path).toBe('/dashboard/account')
    for (const to of ['//evil.example', '/%2f/evil.example', 'https://evil.example', '/\\evil.example', '/a b']) {
      const other = new PlainBrowser(api)
      await other.open(`/dashboard/login?to=${encodeURIComponent(to)}`)
      await other.submit('Log in', { email: 'admin@example.com', password: 'correct horse' })
      expect(other.path).toMatch(/^\/dashboard\/[a%]/)
      expect(other.page.headers['location']).toBeUndefined()
    }
  })

  it('gets a cookie that scripts and other hosts do not, and that only TLS carries where there is TLS', async () => {
    const browser = new PlainBrowser(api)
    await browser.open('/dashboard/login')
    const token = /name="token" value="([^"]*)"/.exec(browser.page.text)?.[1] ?? ''
    const body = new URLSearchParams({ token, email: 'admin@example.com', password: 'correct horse' }).toString()
    const plain = await browser.send('POST', '/dashboard/login', { body })
    const [session = ''] = plain.headers['set-cookie'] ?? []
    expect(session).toMatch(/^paas-session=paas-[\w-]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=2592000$/)

    const secure = new PlainBrowser(api)
    const tls = { 'x-forwarded-proto': 'https' }
    const page = await secure.send('GET', '/dashboard/login', { headers: tls })
    expect(page.headers['set-cookie']?.[0]).toMatch(/^__Host-paas-visit=.*; Secure$/)
  })

  it('is told why it may not, with the limits of the API', async () => {
    const browser = new PlainBrowser(api)
    const page = await browser.logIn('somebody@example.com', 'wrong')
    expect([page.status, page.text.includes('The email or the password is wrong.')]).toEqual([401, true])
    for (let i = 0; i < 10; i++) await browser.submit('Log in', { email: 'somebody@example.com', password: 'wrong' })
    expect(browser.page.status).toBe(429)
    expect(browser.page.text).toContain('Too many wrong passwords')
  })

  it('is logged out, here or everywhere', async () => {
    const [one, other] = [new PlainBrowser(api), new PlainBrowser(api)]
    await one.logIn()
    await other.logIn()
    await one.submit('Log out')
    expect(one.path).toBe('/dashboard/login')
    expect(one.cookies.has('paas-session')).toBe(false)
    await one.logIn()
    await one.open('/dashboard/account')
    await one.submit('Log out everywhere')
    await other.open('/dashboard/apps')
    expect(other.path).toContain('/dashboard/login')
  })

  it('is logged out elsewhere when the password changes', async () => {
    const { account } = api.stranger('changes@example.com', 'first password')
    const [one, other] = [new PlainBrowser(api), new PlainBrowser(api)]
    await one.logIn(account.email, 'first password')
    await other.logIn(account.email, 'first password')
    await one.open('/dashboard/account')
    await one.submit('Set the password', { present: 'first password', wanted: 'second password' })
    expect(one.page.text).toContain('The password is set.')
    expect((await one.open('/dashboard/account')).text).not.toContain('The password is set.')
    await other.open('/dashboard/apps')
    expect(other.path).toContain('/dashboard/login')
  })
})

describe('a link', () => {
  it('logs in once, and only after a click', async () => {
    const { secret } = api.store.tokens.create({
      accountId: api.admin.id,
      description: 'link',
      scope: [linkScope],
      expiresAt: new Date(Date.now() + 600_000),
    })
    const browser = new PlainBrowser(api)
    await browser.open(`/dashboard/welcome?key=${secret}`)
    await browser.open(`/dashboard/welcome?key=${secret}`)
    expect(browser.page.text).toContain('admin@example.com')
    expect((await api.call('GET', '/apps', { token: secret })).status).toBe(403)
    expect((await api.call('POST', '/oauth/authorizations', { token: secret, body: {} })).status).toBe(403)
    await browser.submit('Log in')
    expect(browser.path).toBe('/dashboard/account')
    expect((await new PlainBrowser(api).open(`/dashboard/welcome?key=${secret}`)).status).toBe(404)
  })

  it('is no way in for a token of another kind', async () => {
    const page = await new PlainBrowser(api).open(`/dashboard/welcome?key=${api.token}`)
    expect([page.status, page.text.includes('used already')]).toEqual([404, true])
  })
})
