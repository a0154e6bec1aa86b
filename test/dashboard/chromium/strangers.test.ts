import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { pages } from '../../../src/dashboard/registry.ts'
import { testAuthority } from '../../helpers/certificates.ts'
import { furnish, paramsOf } from './furnish.ts'
import { forFile } from './web.ts'

const { api, open } = await forFile()
await furnish(api)

const evil = `"'><img src=x onerror="window.evil=1"><script>window.evil=1</script>`

describe('what a stranger sends', () => {
  it('in headers is text on each page, and ends up in no policy and no address', async () => {
    const params = await paramsOf(api)
    const names = ['x-forwarded-for', 'x-request-id', 'user-agent', 'referer', 'accept-language', 'x-forwarded-host']
    const headers = Object.fromEntries(names.map((name) => [name, evil]))
    await api.call('PATCH', '/apps/shop/config-vars', { body: { SEEN: 'x' }, headers })
    await api.call('POST', '/oauth/authorizations', { body: { description: evil }, headers })
    const page = await open('/dashboard/login', { extraHTTPHeaders: headers })
    const wrong: string[] = []
    page.on('dialog', (dialog) => void dialog.dismiss().then(() => wrong.push('a dialog')))
    page.on('console', (message) => void (message.type() === 'error' && wrong.push(message.text())))
    for (const { path } of pages) {
      await page.goto(`/dashboard${path.replaceAll(/:\w+/g, (name) => params[name] ?? name)}`)
      expect(await page.evaluate('[window.evil, document.images.length, document.scripts.length < 4]')).toEqual([
        undefined,
        0,
        true,
      ])
    }
    await page.goto('/dashboard/account/tokens')
    expect(await page.getByText(evil).count()).toBeGreaterThan(0)
    expect(wrong).toEqual([])
    await page.context().close()
  })
})

/** What each chart shows, as the browser has drawn it. */
async function drawn(page: Page): Promise<string[]> {
  return (await page.evaluate(
    `[...document.querySelectorAll('.chart canvas')].map((canvas) => canvas.toDataURL())`,
  )) as string[]
}

it('all charts show the part that is drawn over in one, and all of it after two clicks', async () => {
  const page = await open('/dashboard/apps/shop/metrics')
  const over = page.locator('.u-over').first()
  const { x, y, width, height } = (await over.boundingBox())!
  const whole = await drawn(page)
  expect(whole.length).toBe(4)
  await page.mouse.move(x + width * 0.3, y + height / 2)
  await page.mouse.down()
  await page.mouse.move(x + width * 0.6, y + height / 2, { steps: 5 })
  await page.mouse.up()
  await expect.poll(async () => (await drawn(page)).map((one, i) => one === whole[i])).toEqual(whole.map(() => false))
  await over.dblclick()
  await expect.poll(async () => drawn(page)).toEqual(whole)
  await page.context().close()
})

it('the audit log is downloaded as JSON lines, with its filters, each entry with the hash of the one before', async () => {
  const page = await open('/dashboard/activity')
  const [all, ofApp] = await Promise.all(
    [page, await open('/dashboard/apps/shop/activity?action=config-vars')].map(async (one) => {
      const begun = one.waitForEvent('download')
      await one.getByRole('link', { name: 'Download as JSON lines' }).click()
      const file = await begun
      const text = await readFile(await file.path(), 'utf8')
      const lines = text.trimEnd().split('\n')
      return {
        name: file.suggestedFilename(),
        entries: lines.map((line) => JSON.parse(line) as Record<string, string>),
      }
    }),
  )
  expect([all!.name, ofApp!.name]).toEqual(['server-audit.jsonl', 'shop-audit.jsonl'])
  expect(all!.entries.length).toBeGreaterThan(5)
  const [hashes, previous] = ['hash', 'previous'].map((name) => all!.entries.map((entry) => entry[name]))
  expect(previous!.slice(1)).toEqual(hashes!.slice(0, -1))
  expect(new Set(ofApp!.entries.map(({ action }) => action))).toEqual(new Set(['config-vars.update']))
  const { token } = api.stranger('reads-nothing@example.com')
  const theirs = await open('/dashboard/apps', { token })
  expect((await theirs.goto('/dashboard/activity.jsonl'))?.status()).toBe(403)
  expect((await theirs.goto('/dashboard/apps/shop/activity.jsonl'))?.status()).toBe(404)
  await Promise.all([page.context().close(), theirs.context().close()])
})

it('a certificate is added, shown with what it is for and until when, and removed', async () => {
  const page = await open('/dashboard/apps/shop/domains')
  const { certificate, key } = await (await testAuthority()).issue(['www.shop.invalid'])
  const add = async (chain: string, secret: string) => {
    await page.getByLabel('Certificate chain (PEM)').fill(chain)
    await page.getByLabel('Private key (PEM)').fill(secret)
    await page.getByRole('button', { name: 'Add the certificate' }).click()
  }
  await add('-----BEGIN CERTIFICATE-----', key)
  await page.getByRole('alert').waitFor()
  expect(await page.getByLabel('Private key (PEM)').inputValue()).toBe('')
  await add(certificate, key)
  await page.getByText(/^The certificate \S+ is added\.$/).waitFor()
  const row = page.getByRole('table', { name: 'Certificates' }).getByRole('row', { name: 'www.shop.invalid' })
  await row.getByText('not of a known authority').waitFor()
  expect(await page.content()).not.toContain('PRIVATE KEY-----\nM')
  await row.getByRole('link', { name: 'Remove' }).click()
  await page.getByText('Visitors of www.shop.invalid get another one').waitFor()
  await page.getByRole('button', { name: 'Remove' }).click()
  await page.getByText('The certificate is removed.').waitFor()
  await page.getByText('No certificates of your own').waitFor()
  await page.context().close()
})
