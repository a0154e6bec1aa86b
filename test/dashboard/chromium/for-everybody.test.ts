import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { pages } from '../../../src/dashboard/registry.ts'
import { totpCode, totpPeriod } from '../../../src/model/totp.ts'
import { fromBase32 } from '../../helpers/base32.ts'
import { furnish, paramsOf, variantsOf } from './furnish.ts'
import { expectShown, forFile } from './web.ts'

const { api, open } = await forFile()
await furnish(api)
const params = await paramsOf(api)
const all = pages.map(({ path }) => `/dashboard${path.replaceAll(/:\w+/g, (name) => params[name] ?? name)}`)
const more = [
  '/dashboard/apps/an-app-with-thirty-characters1',
  '/dashboard/apps/not-deployed-yet',
  '/dashboard/nothing-here',
]

type Violation = { id: string; nodes: { html: string; failureSummary: string }[] }

/** Run by the protocol of the browser's tools, which the page's policy does not hold. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const found = (await page.evaluate('axe.run()')) as { violations: Violation[] }
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  )
}

/** In both schemes, and no wider than the screen. */
async function expectUsable(page: Page): Promise<void> {
  await page.emulateMedia({ colorScheme: 'light' })
  expect(await violations(page)).toEqual([])
  await page.emulateMedia({ colorScheme: 'dark' })
  expect(await violations(page)).toEqual([])
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390)
}

const phone = { viewport: { width: 390, height: 844 } }

describe('a page can be used by everybody', () => {
  it.each([...all, ...more, ...Object.values(variantsOf(api))])('%s', async (path) => {
    const page = await open(path, phone)
    await expectUsable(page)
    await page.context().close()
  })

  it('what is shown once: a token, a first password, what can be downloaded', async () => {
    const page = await open('/dashboard/account/tokens', phone)
    await page.getByLabel('What it is for').fill('CI')
    await page.getByRole('button', { name: 'Make it' }).click()
    await expectShown(page.getByRole('heading', { name: 'The token is made' }))
    await expectUsable(page)
    await page.goto('/dashboard/accounts')
    await page.getByLabel('Email').fill('first@example.com')
    await page.getByRole('button', { name: 'Make it' }).click()
    await expectShown(page.getByRole('heading', { name: 'The account is made' }))
    await expectUsable(page)
    for (const path of ['/dashboard/apps/shop/backups', '/dashboard/apps/shop/data/volumes/uploads']) {
      await page.goto(path)
      await page.getByRole('button', { name: /^Download/ }).click()
      await page.waitForSelector('a[download]')
      await expectUsable(page)
    }
    await page.context().close()
  })

  it('what is refused, and what somebody may not see', async () => {
    const page = await open('/dashboard/apps/shop/settings?ask=destroy', phone)
    await page.getByLabel('Type shop to confirm').fill('another')
    await page.getByRole('button', { name: 'Destroy shop' }).click()
    await expectShown(page.getByRole('alert'))
    await expectUsable(page)
    const { account, token } = api.stranger('only-looks@example.com')
    api.store.collaborators.set(api.store.apps.find('shop')!.id, account.id, 'view')
    const theirs = await open('/dashboard/apps/shop/config', { ...phone, token })
    await expectShown(theirs.getByRole('heading', { name: 'You may not do this' }))
    await expectUsable(theirs)
    await Promise.all([page.context().close(), theirs.context().close()])
  })

  it('the login, and the second factor from its QR code to the code at the login', async () => {
    const { account, token } = api.stranger('two@example.com', 'correct horse')
    const page = await open('/dashboard/account/two-factor', { ...phone, token })
    await page.getByLabel('Password').fill('correct horse')
    await page.getByRole('button', { name: 'Go on' }).click()
    const secret = fromBase32((await page.locator('#secret').textContent()) ?? '')
    await expectUsable(page)
    await page.getByLabel('First code').fill('000000')
    await page.getByRole('button', { name: 'Enable' }).click()
    await expectShown(page.getByRole('alert'))
    await expectUsable(page)
    await page.getByLabel('First code').fill(totpCode(secret, totpPeriod(new Date())))
    await page.getByRole('button', { name: 'Enable' }).click()
    await expectShown(page.locator('#recovery-codes'))
    await expectUsable(page)
    await page.goto('/dashboard/account/two-factor')
    await expectUsable(page)
    const login = await open('/dashboard/login', { ...phone, token: null })
    await expectUsable(login)
    await login.getByLabel('Email').fill(account.email)
    await login.getByLabel('Password').fill('correct horse')
    await login.getByRole('button', { name: 'Log in' }).click()
    await expectShown(login.getByLabel('Code'))
    await expectUsable(login)
    await Promise.all([page.context().close(), login.context().close()])
  })

  it('the navigation is one line on a phone, with the page that one is on in sight', async () => {
    const page = await open('/dashboard/account', phone)
    const current = page.locator('nav.server [aria-current]')
    await expect.poll(async () => ((await current.boundingBox())?.x ?? 999) + 20).toBeLessThan(390)
    const heights = (await page.evaluate(
      `[...document.querySelectorAll('nav.server a')].map((one) => one.getBoundingClientRect().top)`,
    )) as number[]
    expect(new Set(heights).size).toBe(1)
    await page.context().close()
  })
})

/** What the element that has the focus is called, and whether it is seen that it has it. */
const focused = `(() => {
  const one = document.activeElement
  if (one === document.body) return { name: '' } // between the last place and the first
  const name = (one.labels?.[0] ?? one).textContent.trim().replaceAll(/\\s+/g, ' ')
  return { name, isSeen: getComputedStyle(one).outlineStyle !== 'none' }
})()`

/** Goes on by the Tab key until what is called so has the focus; each place on the way is seen to have it. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let i = 0; i < 150; i++) {
    await page.keyboard.press('Tab')
    const at = (await page.evaluate(focused)) as { name: string; isSeen?: boolean }
    if (at.name === '') continue
    expect(at.isSeen, `${at.name} shows that it has the focus`).toBe(true)
    if (at.name === name) return
  }
  throw new Error(`the Tab key does not come to ${name}`)
}

it('an app is found, scaled, configured and destroyed by the keyboard alone', async () => {
  const app = await api.newApp('by-keys')
  api.deploy(app, undefined, { web: 'npm start' })
  const page = await open('/dashboard/apps')
  const press = (key: string) => page.keyboard.press(key)
  const follow = async (link: string) => {
    await tabTo(page, link)
    await press('Enter')
  }
  await follow('Skip to the content')
  expect(await page.evaluate('document.activeElement.id')).toBe('main')
  await follow('by-keys')
  await page.getByRole('heading', { level: 1 }).waitFor()
  await follow('Dynos')
  await page.getByRole('heading', { name: 'Process types' }).waitFor()
  await tabTo(page, 'Dynos') // in the navigation
  await tabTo(page, 'Dynos') // the field
  await press('Control+A')
  await page.keyboard.type('3')
  await follow('Scale web')
  await page.getByText('web: 3 of').waitFor()
  await follow('Config')
  await page.getByRole('heading', { name: 'Config' }).waitFor()
  await tabTo(page, 'Key')
  await page.keyboard.type('GREETING')
  await tabTo(page, 'Value')
  await page.keyboard.type('hello')
  await follow('Set')
  await page.getByRole('status').getByText('GREETING').waitFor()
  expect(api.store.configVars.get(app.id)).toMatchObject({ GREETING: 'hello' })
  await follow('Settings')
  await page.getByRole('heading', { name: 'Settings' }).waitFor()
  await follow('Destroy by-keys…')
  await page.getByRole('heading', { name: 'Destroy by-keys for good?' }).waitFor()
  await tabTo(page, 'Type by-keys to confirm')
  await page.keyboard.type('by-keys')
  await press('Enter')
  await page.getByText('by-keys is destroyed.').waitFor()
  expect(api.store.apps.find('by-keys')).toBeUndefined()
  await page.context().close()
})
