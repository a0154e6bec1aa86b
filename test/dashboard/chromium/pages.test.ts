import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { pages } from '../../../src/dashboard/registry.ts'
import { createLog } from '../../../src/log.ts'
import { openAppLogWriter } from '../../../src/logs/writer.ts'
import { openOutputWriters } from '../../../src/output/writer.ts'
import { furnish, paramsOf } from './furnish.ts'
import { expectShown, forFile } from './web.ts'

const { api, open, url } = await forFile()
await furnish(api)

type Violation = { id: string; nodes: { html: string; failureSummary: string }[] }

/** Run by the protocol of the browser's tools, which the page's policy does not hold. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const found = (await page.evaluate('axe.run()')) as { violations: Violation[] }
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  )
}

/** Every page there is, and some of them as they also may be. */
const params = await paramsOf(api)
const all = pages.map(({ path }) => `/dashboard${path.replaceAll(/:\w+/g, (name) => params[name] ?? name)}`)
const more = [
  '/dashboard/apps/an-app-with-thirty-characters1',
  '/dashboard/apps/not-deployed-yet',
  '/dashboard/apps/shop/releases/v2?ask=rollback',
  '/dashboard/apps/shop/data/addons/shop-db?ask=promote',
  '/dashboard/apps/shop/data/volumes/uploads?ask=destroy',
  '/dashboard/apps/nothing-here',
]

describe('a page can be used by everybody', () => {
  it.each([...all, ...more])('%s', async (path) => {
    const page = await open(path, { colorScheme: 'light', viewport: { width: 390, height: 844 } })
    expect(await violations(page)).toEqual([])
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await violations(page)).toEqual([])
    const width = (await page.evaluate('document.documentElement.scrollWidth')) as number
    expect(width).toBeLessThanOrEqual(390)
    await page.context().close()
  })

  it('the login', async () => {
    const page = await open('/dashboard/login', { token: null })
    expect(await violations(page)).toEqual([])
    await page.context().close()
  })
})

describe('somebody', () => {
  it('logs in by keyboard, and the session goes on', async () => {
    const page = await open('/', { token: null })
    await page.keyboard.press('Tab')
    await page.getByLabel('Email').fill('admin@example.com')
    await page.keyboard.press('Tab')
    await page.keyboard.type('correct horse')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Apps' }).waitFor()
    await page.reload()
    expect(await page.title()).toBe('Apps · paas')
    await page.context().close()
  })

  it('filters the apps as they type', async () => {
    const page = await open('/dashboard/apps')
    await page.getByLabel('Filter by name').pressSequentially('news')
    expect(await page.locator('#apps tbody tr:visible').count()).toBe(1)
    expect(page.url()).toContain('name=news')
    await page.context().close()
  })

  it('sees what others do without a reload', async () => {
    const page = await open('/dashboard/apps')
    await api.newApp('made-elsewhere')
    await expectShown(page.getByRole('link', { name: 'made-elsewhere' }))
    await page.context().close()
  })

  it('is led to the login in all windows when all sessions end', async () => {
    const { account } = api.stranger('windows@example.com')
    const { secret } = api.store.tokens.create({
      accountId: account.id,
      description: 'Dashboard',
      scope: ['global'],
      session: true,
    })
    const page = await open('/dashboard/apps', { token: secret })
    api.store.tokens.removeSessions(account.id, null)
    await expectShown(page.getByRole('heading', { name: 'Log in' }))
    await page.context().close()
  })
})

/** Resolves in the page as soon as the output has the text. */
function seeing(text: string): string {
  return `new Promise((seen) => {
    const output = document.querySelector('[data-stream]')
    const look = () => output.textContent.includes('${text}') && seen()
    new MutationObserver(look).observe(output, { childList: true, subtree: true })
    look()
  })`
}

describe('a build', () => {
  it('is followed in the page of its app from the first push on, in colours, within 100 ms of each line', async () => {
    const app = await api.newApp('followed')
    const page = await open('/dashboard/apps/followed')
    await page.getByText('Waiting for the first push').waitFor()
    const asked = { appId: app.id, accountId: app.ownerId, commit: 'ab12cd34'.repeat(5), ref: 'refs/heads/main' }
    const made = api.store.builds.create({ ...asked, previousCommit: null, noCache: false, detached: false })
    const { id } = api.store.builds.claim(made.build.id)!
    await page.getByRole('heading', { name: 'Deploying ab12cd34' }).waitFor()
    const writers = openOutputWriters({ ...api.redis.deps, serverId: api.serverId, directory: api.config.paths.builds })
    const output = writers.open(id)
    output.write('-----> Building\n')
    await page.getByRole('log').getByText('Building').waitFor()
    const delays: number[] = []
    for (let i = 0; i < 10; i++) {
      const seen = page.evaluate(seeing(`line ${i}.`))
      const begin = performance.now()
      output.write(`\u001b[32mline ${i}.\u001b[0m <img src=x onerror=alert(1)>\n`)
      await seen
      delays.push(performance.now() - begin)
    }
    expect(delays.toSorted((a, b) => a - b)[5]).toBeLessThan(100)
    expect(await page.locator('[data-stream] .c2').count()).toBe(10)
    expect(await page.locator('[data-stream] img').count()).toBe(0)
    output.write('-----> Launching\n')
    await page
      .getByRole('list', { name: 'Steps' })
      .getByText(/Building \d/)
      .waitFor()
    await output[Symbol.asyncDispose]()
    const reason = 'npm ci exited with 1'
    api.store.builds.finish(id, 1, { kind: 'failed', finishedAt: new Date(), code: 'build_failed', reason })
    await page.getByText(reason).first().waitFor()
    await writers[Symbol.asyncDispose]()
    await page.context().close()
  })
})

describe('a log', () => {
  it('is followed, paused and gone back through, and its lines are text', async () => {
    const app = await api.newApp('logged')
    await using writer = openAppLogWriter({ directory: api.config.paths.logs, log: createLog('test', 'silent') })
    const write = (text: string) => writer.write(app.id, { time: new Date(), source: 'app', process: 'web.1', text })
    write('before')
    const page = await open('/dashboard/apps/logged/logs')
    await page.getByText('before').waitFor()
    write('<b id="evil">\u001b[31mafter\u001b[0m</b>')
    await page.locator('#log .c1', { hasText: 'after' }).waitFor()
    expect(await page.locator('#evil').count()).toBe(0)
    await page.getByRole('button', { name: 'Pause' }).click()
    write('while paused')
    await page.getByRole('button', { name: 'Go on (1 new)' }).waitFor()
    expect(await page.locator('#log').getByText('while paused').count()).toBe(0)
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.locator('#log').getByText('while paused').waitFor()
    await page.locator('#log a').last().click()
    await page.locator('#log .marked').getByText('while paused').waitFor()
    await page.context().close()
  })
})

describe('without a script', () => {
  it('apps are made and rolled back, and a log is read', async () => {
    const page = await open('/dashboard/apps/new', { javaScriptEnabled: false })
    await page.getByLabel('Name').fill('no-script')
    await page.getByRole('button', { name: 'Make it' }).click()
    await page.getByText('no-script is there.').waitFor()
    await page.goto('/dashboard/apps/shop/releases/v2')
    expect(page.url()).toBe(`${url}/dashboard/apps/shop/releases/v2`)
    await page.goto('/dashboard/apps/shop/logs?dyno=web.2')
    expect(await page.locator('#log').getByText('cart is undefined').count()).toBe(3)
    await page.context().close()
  })
})

it('nothing of other servers is asked for, and nothing breaks the policy of a page', async () => {
  const wrong: string[] = []
  const page = await open('/dashboard/apps')
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`)) wrong.push(request.url())
  })
  page.on('console', (message) => {
    if (message.type() === 'error') wrong.push(message.text())
  })
  page.on('pageerror', (error) => wrong.push(error.message))
  for (const path of all) await page.goto(path)
  expect(wrong).toEqual([])
  await page.context().close()
})
