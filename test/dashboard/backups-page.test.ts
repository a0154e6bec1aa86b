import { expect, it } from 'vitest'
import type { AddonId, DataTransferId } from '../../src/model/ids.ts'
import { TestApi } from '../api/test-api.ts'
import { PlainBrowser } from './browser.ts'

const api = await TestApi.forFile()
const browser = new PlainBrowser(api)
await browser.logIn()

it('backups of a database are made, and restored once its name was typed', async () => {
  await api.newApp('kept')
  expect((await browser.open('/dashboard/apps/kept/backups')).text).toContain('No backups yet')
  const { body } = await api.call('POST', '/apps/kept/addons', { body: { plan: 'heroku-postgresql' } })
  const [id, name] = [String(body['id']) as AddonId, String(body['name'])]
  const { addons, dataTransfers } = api.store
  addons.setSecrets(id, { ...addons.secrets(id), config: { URL: 'postgres://u:p@h:5432/d' } })
  addons.setState(id, { kind: 'provisioned', work: null })
  await browser.open('/dashboard/apps/kept/backups')
  await browser.submit(`Back ${name} up now`)
  expect(browser.page.text).toContain(`Backup 1 of ${name} is begun.`)
  expect(browser.page.text).toContain('waiting')
  const [made] = dataTransfers.list({ appId: api.store.apps.find('kept')!.id })
  const at = { startedAt: new Date(), endedAt: new Date() }
  const stored = { place: 'somewhere', sha256: 'a'.repeat(64) } as never
  dataTransfers.setState(made!.id as DataTransferId, { kind: 'succeeded', ...at, stored })
  await browser.open('/dashboard/apps/kept/backups')
  await browser.submit('value="download"')
  expect(browser.page.text).toMatch(/href="\/backups\/[^"]+"/)
  await browser.open('/dashboard/apps/kept/backups?restore=1')
  expect((await browser.submit('Restore', { confirm: 'wrong' })).status).toBe(422)
  await browser.submit('Restore', { confirm: name })
  expect(browser.page.text).toContain(`The restore into ${name} is begun.`)
  expect(browser.page.text).toContain(`Restore of`)
})
