import { afterAll, beforeAll, expect, it } from 'vitest'
import { newId, type AddonId } from '../../src/model/ids.ts'
import { TestStore } from './test-store.ts'

let record: TestStore
let addonId: AddonId

beforeAll(() => {
  record = new TestStore()
  addonId = newId<AddonId>()
  record.store.addons.create({
    id: addonId,
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
})
afterAll(() => record[Symbol.dispose]())

const state = (id: AddonId) => record.store.archiveFetches.find(id)?.state

it('an archive that was asked for once more has not come with what was fetched for the time before', () => {
  const { archiveFetches } = record.store
  archiveFetches.ask(addonId, addonId, new Date())
  const [first] = archiveFetches.listAsked()
  archiveFetches.ask(addonId, addonId, new Date())
  archiveFetches.end(first!, null)
  expect(state(addonId)).toEqual({ kind: 'asked' })
  const [second] = archiveFetches.listAsked()
  archiveFetches.end(second!, null)
  expect(state(addonId)).toEqual({ kind: 'done' })
})

it('what was wanted for a proof whose worker was killed is forgotten', () => {
  const { archiveFetches } = record.store
  const proof = newId<AddonId>()
  archiveFetches.ask(proof, addonId, new Date())
  archiveFetches.removeLost()
  expect([state(proof), state(addonId)]).toEqual([undefined, { kind: 'done' }])
})
