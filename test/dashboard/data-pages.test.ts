import { expect, it } from 'vitest'
import type { AddonId, DataTransferId, VolumeCopyId } from '../../src/model/ids.ts'
import { TestApi } from '../api/test-api.ts'
import { PlainBrowser } from './browser.ts'

const api = await TestApi.forFile()
const browser = new PlainBrowser(api)
await browser.logIn()

/** A database that is there, with an archive that reaches back an hour, as the worker records them. */
async function database(app: string, plan = 'heroku-postgresql'): Promise<{ id: AddonId; name: string }> {
  const { body } = await api.call('POST', `/apps/${app}/addons`, { body: { plan } })
  const [id, name] = [String(body['id']) as AddonId, String(body['name'])]
  const { addons, addonBackups } = api.store
  addons.setSecrets(id, { ...addons.secrets(id), config: { URL: 'postgres://u:p@h:5432/d' } })
  addons.setState(id, { kind: 'provisioned', work: null })
  const { id: backup } = addonBackups.begin(id, 'full')
  addonBackups.end(backup, { kind: 'succeeded', label: '20261126-140307F', bytes: 5_000_000, noted: null })
  const now = Date.now()
  addonBackups.setArchive(id, { since: new Date(now - 3600_000), until: new Date(now - 9000), bytes: 5_000_000 })
  return { id, name }
}

/** What the page tells of something, as it is read. */
function factOf(term: string): string | undefined {
  const told = new RegExp(`<dt>${term}</dt>\\s*<dd>([^]*?)</dd>`).exec(browser.page.text)?.[1]
  return told
    ?.replaceAll(/<[^>]*>/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
}

it('backups of a database are made, and restored once its name was typed', async () => {
  await api.newApp('kept')
  expect((await browser.open('/dashboard/apps/kept/backups')).text).toContain('No backups yet')
  const { name } = await database('kept')
  const { dataTransfers } = api.store
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

it('a database is restored to a moment into a new one, which is promoted, and both stay', async () => {
  const app = await api.newApp('restored')
  const { id, name } = await database('restored')
  const list = await browser.open('/dashboard/apps/restored/data')
  expect(list.text).toMatch(/Lost at most">\s*\d+ s/)
  const page = await browser.open(`/dashboard/apps/restored/data/addons/${name}`)
  expect(page.text).toMatch(/20261126-140307F[^]*full[^]*succeeded[^]*4\.8 MiB/)
  expect(page.text).not.toContain('Promote…')
  expect((await browser.submit('Restore into', { at: '2020-01-01T00:00:00' })).text).toContain('can be restored as it')
  const at = new Date(Date.now() - 60_000).toISOString().slice(0, 19)
  await browser.submit('Restore into', { at })
  const fork = api.store.addons.list(app.id).find((one) => one.id !== id)!
  expect(fork.origin).toMatchObject({ addonId: id, moment: { at: `${at.replace('T', ' ')}+00:00` } })
  expect(browser.path).toBe(`/dashboard/apps/restored/data/addons/${fork.name}`)
  expect(browser.page.text).toContain(`${fork.name} is being made: ${name} as of ${at.replace('T', ' ')} UTC`)
  expect(factOf('Made from')).toBe(`${name}, as of ${at.replace('T', ' ')} UTC`)
  const { addons, addonAttachments } = api.store
  addons.setSecrets(fork.id, { ...addons.secrets(fork.id), config: { URL: 'postgres://u:p@other:5432/d' } })
  addons.setState(fork.id, { kind: 'provisioned', work: null })
  expect((await browser.open(browser.path)).text).toContain('Promote…')
  await browser.open(`${browser.path}?ask=promote`)
  await browser.submit(`Promote ${fork.name}`)
  const of = (addonId: AddonId) => addonAttachments.list({ addonId }).map((one) => one.name)
  expect(of(fork.id)).toContain('DATABASE')
  expect(of(id)).toEqual([expect.stringMatching(/^HEROKU_POSTGRESQL_/)])
})

it.each([
  ['heroku-postgresql', 'pg_current_xact_id()'],
  ['mysql', 'SELECT @@last_gtid'],
])('the transaction before which a %s is restored is what %s gives', async (plan, how) => {
  const { name: app } = await api.newApp()
  const { name } = await database(app, plan)
  expect((await browser.open(`/dashboard/apps/${app}/data/addons/${name}`)).text).toContain(how)
})

it('the newest backup of a database is proven, and what was found is told', async () => {
  await api.newApp('proven')
  const { id, name } = await database('proven')
  await browser.open(`/dashboard/apps/proven/data/addons/${name}`)
  await browser.submit('Prove the newest now')
  const [proof] = api.store.addonProofs.list(id)
  api.store.addonProofs.setState(proof!.id, { kind: 'failed', label: '20261126-140307F', reason: 'It is <torn>.' })
  expect((await browser.open(browser.path)).text).toContain(
    '20261126-140307F could not be restored: It is &lt;torn&gt;.',
  )
  for (const [compared, said] of [
    [true, ''],
    [false, ' (not compared)'],
  ] as const) {
    const { id: asked } = api.store.addonProofs.ask(id)
    api.store.addonProofs.setState(asked, { kind: 'succeeded', label: '20261126-140307F', compared })
    await browser.open(browser.path)
    expect(factOf('Last proven')).toMatch(new RegExp(`ago${said.replaceAll(/[()]/g, '\\$&')}$`))
    expect((await browser.open('/dashboard/apps/proven/data')).text).toContain(`>proven${said}</span>`)
    await browser.open(`/dashboard/apps/proven/data/addons/${name}`)
  }
})

it('a volume is backed up, forked, restored, downloaded and switched', async () => {
  const app = await api.newApp('filled')
  api.deploy(app)
  const { volumes, volumeCopies } = api.store
  const made = volumes.create({ appId: app.id, name: 'files', mount: '/data', types: ['web'], singleWriter: true })
  volumes.recordMade(made.id)
  const path = '/dashboard/apps/filled/data/volumes/files'
  await browser.open(path)
  await browser.submit('Back up now')
  const [backup] = volumeCopies.list({ appId: app.id })
  const content = { checksum: 'f'.repeat(64), files: 3, bytes: 2048 }
  const state = { kind: 'succeeded', endedAt: new Date(), snapshot: '0123abcd', isStill: true, ...content } as const
  volumeCopies.setState(backup!.id as VolumeCopyId, state)
  expect((await browser.open(path)).text).toMatch(/complete[^]*2\.0 KiB/)
  await browser.submit('value="download"')
  expect(browser.page.text).toMatch(/href="\/volume-backups\/[^"]+"\s+download="filled-files.tar"/)
  await browser.open(path)
  await browser.submit('>Fork', { name: 'copy' })
  await browser.open(`${path}?restore=${backup!.id}`)
  await browser.submit('Restore', { switch: 'yes' })
  expect(volumeCopies.list({ appId: app.id }).map(({ kind, into }) => [kind, into?.name, into?.switch])).toEqual([
    ['restore', 'files-restored', true],
    ['fork', 'copy', false],
    ['backup', undefined, undefined],
  ])
  const filled = { appId: app.id, name: 'copy', mount: '/volumes/copy', types: [], singleWriter: true }
  const other = volumes.addFilled(filled, crypto.randomUUID() as typeof made.id)
  const restored = { appId: app.id, name: 'files-restored', mount: '/volumes/r', types: [], singleWriter: true }
  const [copy] = volumeCopies.list({ appId: app.id })
  expect(copy).toMatchObject({ kind: 'restore', from: backup!.id })
  volumes.addFilled(restored, copy!.into!.data)
  volumeCopies.setState(copy!.id, state)
  await browser.open('/dashboard/apps/filled/data/volumes/files-restored')
  expect(factOf('Filled from')).toMatch(
    new RegExp(`^backup ${backup!.id.slice(0, 8)} of files, as of [-\\d]+ [:\\d]{8} UTC$`),
  )
  await browser.open(path)
  expect(factOf('Filled from')).toBeUndefined()
  await browser.open(`${path}?switch=copy`)
  await browser.submit('Switch')
  expect(volumes.list(app.id).find(({ name }) => name === 'files')?.data).toBe(other.data)
  expect((await browser.open('/dashboard/apps/filled/data/volumes/none')).status).toBe(404)
})
