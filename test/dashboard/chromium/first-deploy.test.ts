import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestRepository } from '../../helpers/repository.ts'
import { startServer, type TestServer } from '../../helpers/server.ts'
import { expectShown, launch } from './web.ts'

/** All of a first evening with a server, in a browser and with git. */

let server: TestServer
let browser: Browser
let page: Page
let repository: TestRepository
beforeAll(async () => {
  server = await startServer()
  browser = await launch()
  page = await browser.newPage({ baseURL: server.url })
  repository = await TestRepository.fromFixture('node-hello')
})
afterAll(async () => {
  await browser?.close()
  await repository?.[Symbol.asyncDispose]()
  await server?.stop()
})

const push = () => repository.git('push', `http://user:${server.token}@localhost:${server.port}/evening.git`, 'main')

describe('somebody with a fresh server', () => {
  it('logs in by the link that its start printed, once', async () => {
    const link = /once within ten minutes: (\S+)/.exec(server.output)?.[1] ?? ''
    expect(link).toMatch(new RegExp(`^${server.url}/dashboard/welcome\\?key=`))
    await page.goto(link)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('heading', { name: 'Account' }).waitFor()
    const other = await browser.newPage()
    expect((await other.goto(link))?.status()).toBe(404)
    await other.close()
  })

  it('makes an app, whose page follows the first push until it serves', async () => {
    await page.goto('/dashboard/apps')
    await page.getByRole('link', { name: 'New app' }).click()
    await page.getByLabel('Name').fill('evening')
    await page.getByRole('button', { name: 'Make it' }).click()
    await page.getByText('Waiting for the first push').waitFor()
    const pushed = push()
    await page.getByRole('heading', { name: /^Deploying/ }).waitFor()
    await page.getByRole('log').getByText('Node.js app detected').waitFor({ timeout: 60_000 })
    const { code, output } = await pushed
    expect(code, output).toBe(0)
    await page.getByText('Waiting for the first push').waitFor({ state: 'detached' })
    await page.getByRole('heading', { name: 'Serves up' }).waitFor({ timeout: 30_000 })
    await page.getByRole('row', { name: /web\.1 up/ }).waitFor()
  })

  it('sees why a push that breaks it was refused, while the release before serves', async () => {
    await repository.write('server.js', 'console.error("no such database"); process.exit(3)\n')
    await repository.commit('<img src=x onerror=alert(1)>')
    expect((await push()).code).toBe(1)
    await page
      .getByText(/boot failed: web\.1 exited with 3|web\.1 exited with 3/)
      .first()
      .waitFor()
    await page.getByRole('heading', { name: 'Serves up' }).waitFor()
    await page.getByRole('link', { name: 'Deploys' }).click()
    await page
      .getByRole('row', { name: /failed/ })
      .getByRole('link', { name: /build/i })
      .first()
      .click()
    await page.getByText('no such database').first().waitFor()
  })

  it('deploys another version and rolls back to the one before', async () => {
    await repository.write('server.js', good('second'))
    await repository.commit('Second')
    expect((await push()).code).toBe(0)
    await page.goto('/dashboard/apps/evening/releases/v2')
    await page.getByRole('link', { name: 'Roll back to this' }).click()
    await page.getByText('Nothing is built').waitFor()
    await page.getByRole('button', { name: 'Roll back to v2' }).click()
    await page.getByText('serves', { exact: true }).waitFor({ timeout: 60_000 })
    expect(await page.title()).toContain('Release')
  })

  it('opens a terminal in a dyno of its own', async () => {
    await page.goto('/dashboard/apps/evening/terminal')
    await page.getByRole('button', { name: 'Run it' }).click()
    await page.getByText('Running', { exact: true }).waitFor({ timeout: 60_000 })
    await page.locator('#terminal').click()
    await page.keyboard.type('echo $((6*7))-is-the-answer\n')
    await page.locator('#terminal').getByText('42-is-the-answer').first().waitFor()
    await page.keyboard.type('exit 3\n')
    await expectShown(page.getByText('Ended with 3'))
  })

  it('reads what the app and the platform say, as it comes', async () => {
    await page.goto('/dashboard/apps/evening/logs')
    await fetch(`http://127.0.0.1:${server.port}/seen-in-the-log`, {
      headers: { host: `evening.localhost:${server.port}` },
    }).catch(() => undefined)
    await expectShown(page.locator('#log').getByText('Rollback to v2').first())
  })
})

function good(text: string): string {
  return `require('node:http').createServer((q, a) => a.end('${text}')).listen(process.env.PORT)\n`
}
