import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AddonId } from '../../src/model/ids.ts'
import { addNotesService } from '../backups/notes-service.ts'
import { TestTerminal } from './terminal.ts'

let terminal: TestTerminal
beforeAll(async () => {
  terminal = await TestTerminal.start()
})
afterAll(() => terminal[Symbol.asyncDispose]())

it('backups of an add-on that takes no dump back are left out where all of an app are proven', async () => {
  const { api } = terminal
  await addNotesService(api.config.dataDirectory, { without: ['load'] })
  const { name: app } = await api.newApp()
  const { body } = await api.call('POST', `/apps/${app}/addons`, { body: { plan: 'notes' } })
  api.store.addons.setState(String(body['id']) as AddonId, { kind: 'provisioned', work: null })
  const one = await terminal.paas(['backups:prove', String(body['name']), '-a', app])
  expect([one.code, one.stderr]).toEqual([1, expect.stringContaining('needs the programs dump and load')])
  const { code, stdout } = await terminal.paas(['backups:prove', '-a', app])
  expect([code, stdout.trim()]).toEqual([0, `${app} has nothing to prove.`])
})
