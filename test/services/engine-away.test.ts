import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { askBackup } from '../../src/data-transfers/ask.ts'
import { DataTransfers, type DataTransfersOptions } from '../../src/data-transfers/data-transfers.ts'
import { PaasError } from '../../src/errors.ts'
import { createLog } from '../../src/log.ts'
import type { Addon } from '../../src/model/addon.ts'
import type { AddonId, AddonUpgradeId } from '../../src/model/ids.ts'
import { restoreInto, type RestoreDeps } from '../../src/services/restore.ts'
import { AddonUpgrades, type AddonUpgradesOptions } from '../../src/services/upgrades.ts'
import { TestApi } from '../api/test-api.ts'
import { until } from '../helpers/app.ts'

const source = { PAAS_PACKAGE_SOURCE: 'https://p.example/apt trixie main', PAAS_PACKAGE_SOURCE_KEY: '/key.asc' }
const api = await TestApi.forFile(source)
const { store, config } = api
const never = new AbortController().signal
const log = createLog('test', 'silent')
const platformLog = { api: () => undefined }
const isAway = () => new PaasError('engine_unavailable', 'Docker does not answer at /run/docker.sock (ECONNRESET).')
const running = [{ id: 'c', addonId: 'c', process: 'postgresql.1', state: { kind: 'running' } }]

/** One that is there, by the record. */
async function newDatabase(app: string): Promise<Addon> {
  await api.newApp(app)
  const asked = { plan: 'heroku-postgresql', config: { version: '15' } }
  const { body } = await api.call('POST', `/apps/${app}/addons`, { body: asked })
  const id = String(body['id']) as AddonId
  store.addons.setState(id, { kind: 'provisioned', work: null })
  return store.addons.find(id)!
}

/** Its verdict, from a worker whose engine is that. */
async function upgraded(id: AddonUpgradeId, parts: { engine?: object; stacks?: () => never }): Promise<unknown> {
  const engine = { listServices: async () => running, listVolumes: async () => [], ...parts.engine }
  const options = { store, config, log, platformLog, services: { wake: () => undefined }, ...parts, engine }
  await using upgrades = new AddonUpgrades(options as unknown as AddonUpgradesOptions)
  upgrades.begin(() => undefined)
  return await until('it has a verdict', async () => {
    const state = store.addonUpgrades.find(id)?.state
    return state?.kind === 'failed' && state.reason
  })
}

describe('while Docker goes away', () => {
  it('the copy of an upgrade that is tried is tried again', async () => {
    const addon = await newDatabase('tries')
    const { id } = store.addonUpgrades.ask({ addonId: addon.id, accountId: null, version: '17', isRehearsal: false })
    const failures = [isAway(), isAway(), new PaasError('backup_failed', 'It cannot be restored.')]
    const stacks = (): never => {
      throw failures.shift() ?? new Error('asked too often')
    }
    expect(await upgraded(id, { stacks })).toBe('It cannot be restored.')
  })

  it('an upgrade that holds writes ends, and says what to type next', async () => {
    const addon = await newDatabase('holds')
    const asked = { addonId: addon.id, accountId: null, version: '17' }
    const tried = store.addonUpgrades.ask({ ...asked, isRehearsal: true })
    store.addonUpgrades.setRehearsed(tried.id, 5)
    store.addonUpgrades.setState(tried.id, { kind: 'succeeded' })
    const { id } = store.addonUpgrades.ask({ ...asked, isRehearsal: false })
    expect(await upgraded(id, { engine: { execInService: () => Promise.reject(isAway()) } })).toBe(
      `Docker or ${addon.name} went away in the midst of it. Try again with: paas pg:upgrade ${addon.name} -a holds`,
    )
    expect(store.addons.find(addon.id)?.held).toBe('ending')
  })

  it('a backup ends, and says that it may be asked for again', async () => {
    const addon = await newDatabase('captures')
    const { id } = askBackup(store, addon, { scheduled: false })
    const tidy = { tidy: async () => undefined }
    const engine = { listServices: () => Promise.reject(isAway()) }
    const options = { store, config, log, platformLog, engine, storage: tidy, scratch: tidy }
    await using transfers = new DataTransfers(options as unknown as DataTransfersOptions)
    transfers.begin()
    const reason = await until('it has failed', async () => {
      const state = store.dataTransfers.find(id)?.state
      return state?.kind === 'failed' && state.reason
    })
    expect(reason).toBe(`Docker or ${addon.name} went away in the midst of it. Nothing was changed; ask for it again.`)
  })

  it('a fork waits for what it is made from, which Docker starts again', async () => {
    const addon = await newDatabase('forks')
    const answers = [[], [{ id: 'c', state: { kind: 'exited' } }], running]
    const written: string[] = []
    const engine = {
      endExec: async () => undefined,
      listServices: async () => (answers.length > 1 ? answers.shift()! : running),
      execInService: async () => ({ code: 0, output: 'until\t1700000000\n' }),
      readFromService: async () => Readable.from([]),
      writeToService: async (id: string) => void written.push(id),
    }
    const deps = { engine, store, config: { ...config, backup: undefined } } as unknown as RestoreDeps
    const to = { id: 'fork', addonId: addon.id }
    await restoreInto(deps, to, { addonId: addon.id, moment: { kind: 'latest' } }, never)
    expect([written, answers.length]).toEqual([['fork'], 1])
  })
})
