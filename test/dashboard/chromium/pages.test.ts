import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { pages } from '../../../src/dashboard/registry.ts'
import { createLog } from '../../../src/log.ts'
import { openAppLogWriter } from '../../../src/logs/writer.ts'
import { openOutputWriters } from '../../../src/output/writer.ts'
import { furnish, paramsOf } from './furnish.ts'
import { expectShown, forFile } from './web.ts'

const { api, open, url } = await forFile()
await furnish(api)

const params = await paramsOf(api)
const all = pages.map(({ path }) => `/dashboard${path.replaceAll(/:\w+/g, (name) => params[name] ?? name)}`)
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
  it('is followed in the page of its app from the first push on, in colours, line by line', async () => {
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
    for (let i = 0; i < 10; i++) {
      const seen = page.evaluate(seeing(`line ${i}.`))
      output.write(`\u001b[32mline ${i}.\u001b[0m <img src=x onerror=alert(1)>\n`)
      await seen
    }
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

/** What somebody who follows a log gets of it, line by line. */
async function followLog(address: string): Promise<{ lines: string[] } & Disposable> {
  const lines: string[] = []
  const asked = request({
    socketPath: api.config.paths.apiSocket,
    path: address,
    headers: { accept: 'text/event-stream' },
  })
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>
  asked.on('error', () => undefined)
  asked.end()
  const [answer] = await answered
  let rest = ''
  answer.setEncoding('utf8')
  answer.on('error', () => undefined)
  answer.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts.filter((line) => line.startsWith('data:')))
  })
  return { lines, [Symbol.dispose]: () => void asked.destroy() }
}

it('20 viewers of a busy log get each line once, in order, and the page shows it', async () => {
  const app = await api.newApp('busy')
  await using writer = openAppLogWriter({ directory: api.config.paths.logs, log: createLog('test', 'silent') })
  const page = await open('/dashboard/apps/busy/logs')
  const body = { tail: true, lines: 0 }
  const session = await api.call('POST', '/apps/busy/log-sessions', { body })
  const { pathname, search } = new URL(String(session.body['logplex_url']))
  using stack = new DisposableStack()
  const followers = await Promise.all(Array.from({ length: 19 }, () => followLog(pathname + search)))
  for (const follower of followers) stack.use(follower)
  const wanted = Array.from({ length: 400 }, (_, i) => `line ${i}.`)
  for (const text of wanted) {
    writer.write(app.id, { time: new Date(), source: 'app', process: 'web.1', text })
    if (text.endsWith('0.')) await new Promise((resolve) => setImmediate(resolve))
  }
  await page.locator('#log').getByText('line 399.').waitFor()
  expect(await page.locator('#log .text').allTextContents()).toEqual(wanted)
  for (const { lines } of followers) {
    await expect.poll(() => lines.length).toBe(400)
    expect(lines.map((line) => /line \d+\.$/.exec(line)?.[0])).toEqual(wanted)
  }
  await page.context().close()
})

it('two people see the same change at once, each with what they may do', async () => {
  const app = await api.newApp('together')
  api.deploy(app)
  const { account, token } = api.stranger('looks-on@example.com')
  api.store.collaborators.set(app.id, account.id, 'view')
  const [mine, theirs] = await Promise.all([
    open('/dashboard/apps/together/settings'),
    open('/dashboard/apps/together', { token }),
  ])
  await theirs.getByRole('heading', { name: /^Serves/ }).waitFor()
  expect(await theirs.getByRole('link', { name: 'Config' }).count()).toBe(0)
  await mine.getByRole('button', { name: 'Turn it on' }).click()
  await mine.getByText('Maintenance is on.').waitFor()
  await theirs.getByRole('heading', { name: 'Serves maintenance' }).waitFor()
  await theirs.goto('/dashboard/apps/together/settings')
  expect(await theirs.getByRole('button', { name: /Turn it/ }).count()).toBe(0)
  expect((await theirs.goto('/dashboard/apps/together/config'))?.status()).toBe(403)
  await Promise.all([mine.context().close(), theirs.context().close()])
})

describe('a database', () => {
  it.each([true, false])('is restored to a moment by its page, with a script: %s', async (javaScriptEnabled) => {
    const page = await open('/dashboard/apps/shop/data/addons/shop-db', { javaScriptEnabled })
    if (javaScriptEnabled) await page.getByText(/Where you are: \S/).waitFor()
    const at = `${new Date(Date.now() - 3600_000).toISOString().slice(0, 16)}:00` // which browsers send without seconds
    await page.getByLabel('Moment (UTC)').fill(at)
    await page.getByRole('button', { name: 'Restore into a new one' }).click()
    await page.getByText(`shop-db as of ${at.replace('T', ' ')} UTC`).waitFor()
    const name = (await page.getByRole('heading', { level: 1 }).textContent()) ?? ''
    const { id, origin } = api.store.addons.findNamed(name)!
    expect(origin?.moment).toEqual({ kind: 'time', at: `${at.replace('T', ' ')}+00:00` })
    api.store.addons.setSecrets(id, { ...api.store.addons.secrets(id), config: { URL: 'postgres://u:p@h:5432/e' } })
    api.store.addons.setState(id, { kind: 'provisioned', work: null })
    if (!javaScriptEnabled) await page.reload()
    await page.getByRole('link', { name: 'Promote…' }).click()
    await page.getByRole('button', { name: `Promote ${name}` }).click()
    await page.getByText(`DATABASE_URL of shop leads to ${name} now.`).waitFor()
    await page.context().close()
    const shop = api.store.apps.find('shop')!
    await api.call('POST', '/addon-attachments', {
      body: { addon: 'shop-db', app: shop.id, name: 'DATABASE', confirm: 'shop' },
    })
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

it('a first view is painted, with its styles, before anything but the page is there', async () => {
  const page = await open('/dashboard/login', { token: null })
  await page.route('**/dashboard/assets/**', () => undefined) // which are never answered
  await page.goto('/dashboard/login', { waitUntil: 'commit' })
  await page.evaluate(
    `new Promise((painted) => new PerformanceObserver(painted).observe({ type: 'paint', buffered: true }))`,
  )
  expect(await page.evaluate('getComputedStyle(document.querySelector("main")).display')).toBe('grid')
  await page.context().close()
})

/** What changes in a page from when it is parsed, as its scripts are run then. */
const recordChanges = `document.addEventListener('readystatechange', () => {
  if (document.readyState !== 'interactive') return
  window.changed = []
  new MutationObserver((records) => {
    for (const { target, type } of records) changed.push(type + ' of ' + (target.textContent || target.tagName))
  }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true })
})`

it('the first paint of a list is its last: the script finds all as it is to be', async () => {
  const page = await open('/dashboard/login')
  await page.addInitScript(recordChanges)
  const followed = page.waitForRequest('**/dashboard/changes?*')
  await page.goto('/dashboard/apps')
  await followed
  await page.evaluate('new Promise((told) => requestAnimationFrame(() => setTimeout(told)))')
  expect(await page.locator('#apps time').count()).toBeGreaterThan(3)
  const changed = (await page.evaluate('changed')) as string[]
  expect(changed.filter((one) => !/^childList of \d+s ago$/.test(one))).toEqual([]) // a second went by
  await page.context().close()
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
