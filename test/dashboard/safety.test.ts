import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { TestApi } from '../api/test-api.ts'
import { PlainBrowser } from './browser.ts'

const api = await TestApi.forFile()

async function loggedIn(): Promise<PlainBrowser> {
  const browser = new PlainBrowser(api)
  await browser.logIn()
  return browser
}

describe('a page', () => {
  it('runs nothing that has not its nonce, is in no frame, and names no other server', async () => {
    const browser = await loggedIn()
    const { headers, text } = await browser.open('/dashboard/apps')
    const policy = String(headers['content-security-policy'])
    const nonce = /script-src 'nonce-([^']+)'/.exec(policy)?.[1]
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
    for (const tag of text.match(/<(script|style|link rel="stylesheet")[^>]*>/g) ?? [])
      expect(tag).toContain(`nonce="${nonce}"`)
    expect(text).not.toMatch(/<script(?![^>]*src=)|\son\w+=|\sstyle=/)
    expect(text.match(/(?:src|href)="[^"/][^"]*"/g) ?? []).toEqual(['href="#main"'])
    const again = await browser.open('/dashboard/apps')
    expect(String(again.headers['content-security-policy'])).not.toBe(policy)
    expect(headers['cache-control']).toBe('no-store')
  })

  it('is shown for no other host name, as a rebound name would be', async () => {
    const browser = await loggedIn()
    for (const host of ['evil.example', 'localhost.evil.example', 'evil.localhost:8080']) {
      expect((await browser.open('/dashboard/apps', { host })).status).toBe(400)
    }
    for (const host of ['localhost', '127.0.0.1:8080', '[::1]:8080']) {
      expect((await browser.open('/dashboard/apps', { host })).status).toBe(200)
    }
  })

  it('shows names of strangers as text', async () => {
    const browser = await loggedIn()
    const page = await browser.open('/dashboard/apps?name=%22%3E%3Cscript%3Ealert(1)%3C/script%3E')
    expect(page.text).not.toContain('<script>alert')
  })
})

describe('the stream of changes', () => {
  it('is for pages of this server alone, and for who is logged in', async () => {
    const browser = await loggedIn()
    const headers = { 'sec-fetch-site': 'same-site' }
    expect((await browser.send('GET', '/dashboard/changes', { headers })).status).toBe(403)
    expect((await new PlainBrowser(api).send('GET', '/dashboard/changes')).status).toBe(303)
  })
})

/** The number of the first event of the stream. */
async function firstChange(browser: PlainBrowser, path: string): Promise<number> {
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const headers = { host: 'localhost:8080', cookie }
  const asked = request({ socketPath: api.config.paths.apiSocket, path, headers, agent: false }).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    text += chunk.toString()
    const number = /^id: (\d+)\nevent: change\n/m.exec(text)?.[1]
    if (number !== undefined) return Number(number) // which ends the connection
  }
  throw new Error(`no change was told: ${text}`)
}

it('a page is told at once what was recorded since it was made, and nothing that it has', async () => {
  const browser = await loggedIn()
  const madeAt = async () => Number(/data-commits="(\d+)"/.exec((await browser.open('/dashboard/apps')).text)?.[1])
  const before = await madeAt()
  await api.newApp()
  expect(await firstChange(browser, `/dashboard/changes?since=${before}`)).toBeGreaterThan(before)
  const now = await madeAt()
  const next = firstChange(browser, `/dashboard/changes?since=${now}`)
  await api.newApp()
  expect(await next).toBeGreaterThan(now)
})

describe('a form', () => {
  const body = 'do=create&name=stolen'

  it('is taken only with the token of the session', async () => {
    const browser = await loggedIn()
    const other = await loggedIn()
    await other.open('/dashboard/apps/new')
    const token = /name="token" value="([^"]*)"/.exec(other.page.text)?.[1] ?? ''
    expect((await browser.send('POST', '/dashboard/apps/new', { body })).status).toBe(403)
    expect((await browser.send('POST', '/dashboard/apps/new', { body: `${body}&token=${token}` })).status).toBe(403)
    expect((await other.send('POST', '/dashboard/apps/new', { body: `${body}&token=${token}` })).status).toBe(303)
  })

  it('is taken only from a page of this server, not from an app of it', async () => {
    const browser = await loggedIn()
    await browser.open('/dashboard/apps/new')
    const token = /name="token" value="([^"]*)"/.exec(browser.page.text)?.[1] ?? ''
    const sent = (origin: string) =>
      browser.send('POST', '/dashboard/apps/new', { body: `do=create&token=${token}`, headers: { origin } })
    for (const origin of ['http://app.localhost:8080', 'null', 'http://localhost:9999', 'http://evil.example']) {
      expect((await sent(origin)).status).toBe(403)
    }
  })

  it('has another token each time, so that its length in a compressed answer tells nothing', async () => {
    const browser = await loggedIn()
    const tokenOf = async () => /name="token" value="([^"]*)"/.exec((await browser.open('/dashboard/apps')).text)?.[1]
    expect(await tokenOf()).not.toBe(await tokenOf())
  })
})

describe('somebody with less rights', () => {
  it('sees and does what the API lets them', async () => {
    const { account } = api.stranger('viewer@example.com', 'view password')
    const app = await api.newApp('theirs')
    const secluded = await api.newApp('secluded')
    api.store.collaborators.set(app.id, account.id, 'view')
    const browser = new PlainBrowser(api)
    const page = await browser.logIn(account.email, 'view password')
    expect(page.text).toContain('theirs')
    expect(page.text).not.toContain(secluded.name)
    expect((await browser.open('/dashboard/apps/theirs')).status).toBe(200)
    expect((await browser.open('/dashboard/apps/secluded')).status).toBe(404)
    expect((await browser.open('/dashboard/apps/..%2F..%2Fapps')).status).toBe(404)
  })
})
