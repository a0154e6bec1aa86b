import { afterAll, beforeAll, expect, it } from 'vitest'
import { newId, type AddonId } from '../../src/model/ids.ts'
import { TestStore } from './test-store.ts'

let record: TestStore
beforeAll(() => void (record = new TestStore()))
afterAll(() => record[Symbol.dispose]())

it('an archive that begins anew may have had all since its add-on was made, where the record says nothing of it', () => {
  const { addons, addonBackups } = record.store
  const addon = addons.create({
    id: newId<AddonId>(),
    appId: record.app.id,
    accountId: record.account.id,
    name: 'postgresql-round-1',
    service: 'heroku-postgresql',
    plan: 'essential-0',
    version: '17',
    host: 'postgresql-1',
    process: 'postgresql.1',
    extras: [],
  })
  addonBackups.beginAnew(addon.id)
  const { former, since, until } = addonBackups.archive(addon.id)
  expect([former?.since, since, until]).toEqual([addon.createdAt, null, null])
  const before = new Date(Date.now() - 3_600_000)
  addonBackups.setArchive(addon.id, { since: before, until: new Date() })
  addonBackups.beginAnew(addon.id)
  expect(addonBackups.archive(addon.id).former?.since).toEqual(addon.createdAt)
})
