import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Browser } from 'playwright-core'
import { pages } from '../../../src/dashboard/registry.ts'
import { TestApi } from '../../api/test-api.ts'
import { furnish, paramsOf, variantsOf } from './furnish.ts'
import { launch, serveWeb } from './web.ts'

/** `npm run screenshots [-- DIRECTORY]`: each page, light and dark, on a phone and on a desk. */
const directory = resolve(process.argv[2] ?? '.cache/screenshots')
mkdirSync(directory, { recursive: true })

await using api = await TestApi.start()
await using web = await serveWeb(api)
await furnish(api)
const browser = await launch()
try {
  const pages = await listPages(api)
  for (const scheme of ['light', 'dark'] as const) {
    await shoot(browser, pages, { name: `desk-${scheme}`, scheme, width: 1280, height: 800 })
    await shoot(browser, pages, { name: `phone-${scheme}`, scheme, width: 390, height: 844 })
  }
} finally {
  await browser.close()
}
process.stdout.write(`${directory}\n`)

async function listPages(api: TestApi): Promise<Record<string, string>> {
  const [failed] = (await api.call('GET', '/apps/shop/builds', { headers: { range: 'created_at ..; order=desc' } }))
    .body
  const params = await paramsOf(api)
  const all = pages.map(({ path }) => [
    path.slice(1).replaceAll(/[/:]+/g, '-'),
    `/dashboard${path.replaceAll(/:\w+/g, (name) => params[name] ?? name)}`,
  ])
  return {
    login: '/dashboard/login',
    ...Object.fromEntries(all),
    'overview-crashed': '/dashboard/apps/an-app-with-thirty-characters1',
    'overview-empty': '/dashboard/apps/not-deployed-yet',
    'deploys-empty': '/dashboard/apps/not-deployed-yet/deploys',
    'build-failed': `/dashboard/apps/shop/builds/${String(failed?.['id'])}`,
    ...variantsOf(api),
    'logs-empty': '/dashboard/apps/not-deployed-yet/logs',
  }
}

type Screen = { name: string; scheme: 'light' | 'dark'; width: number; height: number }

async function shoot(browser: Browser, pages: Record<string, string>, { name, scheme, width, height }: Screen) {
  const context = await browser.newContext({ baseURL: web.url, colorScheme: scheme, viewport: { width, height } })
  const secret = api.tokenOf(api.admin)
  for (const [page, path] of Object.entries(pages)) {
    if (page === 'login') await context.clearCookies()
    else await context.addCookies([{ name: 'paas-session', value: secret, url: web.url, httpOnly: true }])
    const tab = await context.newPage()
    await tab.goto(path)
    await tab.screenshot({ path: join(directory, `${page}-${name}.png`), fullPage: !page.includes('logs') })
    await tab.close()
  }
  await context.close()
}
