import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AddonId } from '../../src/model/ids.ts'
import { TestTerminal } from './terminal.ts'

const source = { PAAS_PACKAGE_SOURCE: 'https://p.example/apt trixie main', PAAS_PACKAGE_SOURCE_KEY: '/key.asc' }
let terminal: TestTerminal
beforeAll(async () => {
  terminal = await TestTerminal.start(source)
})
afterAll(() => terminal[Symbol.asyncDispose]())

it('an upgrade that somebody cancels while a copy is tried goes no further, and no database is called the old one', async () => {
  const { api } = terminal
  const { name: app } = await api.newApp()
  const asked = { plan: 'postgresql', config: { version: '15' } }
  const { body } = await api.call('POST', `/apps/${app}/addons`, { body: asked })
  const id = String(body['id']) as AddonId
  const { addons, addonBackups, addonUpgrades } = api.store
  addons.setState(id, { kind: 'provisioned', work: null })
  addonBackups.setArchive(id, { since: new Date(), until: new Date() })
  const upgrading = terminal.paas(['pg:upgrade', '-a', app, '--confirm', app])
  await expect.poll(() => addonUpgrades.list(id).length).toBe(1)
  expect((await terminal.paas(['pg:upgrade:cancel', '-a', app])).code).toBe(0)
  const { code, stderr } = await upgrading
  expect([code === 0, stderr]).toEqual([false, expect.stringContaining('was cancelled')])
  expect(stderr).not.toMatch(/addons:destroy|read-only for about/)
  expect(addonUpgrades.list(id).map(({ isRehearsal, state }) => [isRehearsal, state.kind])).toEqual([
    [true, 'cancelled'],
  ])
})
