import { createServer, connect, type AddressInfo } from 'node:net'
import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from 'playwright-core'
import { afterAll } from 'vitest'
import { TestApi } from '../../api/test-api.ts'

/** Where a browser reaches the api, whose socket is no address for one. */
export async function serveWeb(api: TestApi): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer((browser) => {
    const socket = connect(api.config.paths.apiSocket)
    for (const [one, other] of [
      [browser, socket],
      [socket, browser],
    ] as const) {
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://localhost:${port}`,
    [Symbol.asyncDispose]: () => new Promise((closed) => server.close(() => closed())),
  }
}

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
}

/** One api and one browser for all tests of a file, and how they open pages as the admin. */
export async function forFile(): Promise<{ api: TestApi; url: string; open: typeof open }> {
  const api = await TestApi.forFile()
  const web = await serveWeb(api)
  const browser = await launch()
  afterAll(async () => {
    await browser.close()
    await web[Symbol.asyncDispose]()
  })
  const secret = api.store.tokens.create({
    accountId: api.admin.id,
    description: 'Dashboard',
    scope: ['global'],
    session: true,
  }).secret

  async function open(path: string, options: BrowserContextOptions & { token?: string | null } = {}): Promise<Page> {
    const { token = secret, ...context } = options
    const opened = await browser.newContext({ baseURL: web.url, ...context })
    if (token !== null) await opened.addCookies([{ name: 'paas-session', value: token, url: web.url, httpOnly: true }])
    const page = await opened.newPage()
    await page.goto(path)
    return page
  }
  return { api, url: web.url, open }
}

/** Waits until it is there to be seen. */
export async function expectShown(what: Locator, options: { timeout?: number } = {}): Promise<void> {
  await what.waitFor(options)
}
