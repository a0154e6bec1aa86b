import { describe, expect, it } from 'vitest'
import { isUnderWay } from '../../../src/model/addon-upgrade.ts'
import type { AddonId } from '../../../src/model/ids.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const source = { PAAS_PACKAGE_SOURCE: 'https://p.example/apt trixie main', PAAS_PACKAGE_SOURCE_KEY: '/key.asc' }
const api = await TestApi.forFile(source)

/** One of an app of its own, as it is once the worker has made and backed it up. */
async function newDatabase(version: string): Promise<{ id: AddonId; name: string; at: string }> {
  const { name: app } = await api.newApp()
  const { body } = await api.call('POST', `/apps/${app}/addons`, { body: { plan: 'postgresql', config: { version } } })
  const id = String(body['id']) as AddonId
  api.store.addons.setState(id, { kind: 'provisioned', work: null })
  api.store.addonBackups.setArchive(id, { since: new Date(), until: new Date() })
  return { id, name: String(body['name']), at: `/client/v11/databases/${id}/upgrade` }
}

async function post(path: string, body: object = {}): Promise<{ status: number; message: string }> {
  const { status, body: said } = await api.call('POST', path, { body })
  return { status, message: String(said['message']) }
}

describe('an upgrade of a database', () => {
  it('is to the stack’s version, or where it has that, to the newest there is', async () => {
    const [old, present] = [await newDatabase('15'), await newDatabase('17')]
    expect((await post(`${old.at}/run`)).message).toContain('is being upgraded to version 17. A copy is upgraded first')
    expect((await post(`${present.at}/dry_run`)).message).toContain('is being upgraded to version 18.')
    expect(api.store.addonUpgrades.listOpen().map(({ version }) => version)).toEqual(['17', '18'])
    const { body } = await api.call('GET', `${old.at}/wait_status`)
    expect(body).toMatchObject({ 'waiting?': true, 'error?': false, step: 'asked', version: '17' })
  })

  it('is refused to a version that is older, or that there is not, and without a backup', async () => {
    const { id, at, name } = await newDatabase('16')
    expect(await post(`${at}/run`, { version: 15 })).toEqual({
      status: 422,
      message: `${name} runs PostgreSQL 16, and cannot become 15; there is 17, 18.`,
    })
    expect((await post(`${at}/run`, { version: '12' })).message).toContain('there is 14, 15, 16, 17, 18.')
    const newest = await newDatabase('18')
    expect((await post(`${newest.at}/run`)).message).toContain('which is the newest version that this server has')
    api.store.addonBackups.setArchive(id, { since: null })
    expect(await post(`${at}/run`)).toMatchObject({ message: expect.stringContaining('There is no backup of') })
  })

  it('is one at a time, and cancelled as long as it is tried', async () => {
    const { id, at } = await newDatabase('15')
    await post(`${at}/prepare`)
    expect(await post(`${at}/run`)).toMatchObject({ status: 409, message: expect.stringContaining('already') })
    expect((await post(`${at}/cancel`)).message).toContain('was cancelled')
    expect(api.store.addonUpgrades.list(id).some(isUnderWay)).toBe(false)
    expect((await post(`${at}/cancel`)).message).toContain('is not being upgraded')
    await post(`${at}/run`)
    api.store.addonUpgrades.setState(api.store.addonUpgrades.list(id)[0]!.id, { kind: 'holding' })
    expect((await post(`${at}/cancel`)).message).toContain('which nobody cancels')
  })

  it('is asked for by an older command too, which waits as for a database that is being made', async () => {
    const { at, name } = await newDatabase('15')
    expect((await post(at, { version: '17' })).message).toContain(`${name} is being upgraded to version 17.`)
    const ready = at.replace('upgrade', 'wait_status')
    expect((await api.call('GET', ready)).body).toEqual({
      'waiting?': true,
      'error?': false,
      message: `${name} is to be upgraded to version 17`,
    })
    await post(`${at}/cancel`)
    await post(`${at}/dry_run`)
    expect((await api.call('GET', ready)).body).toMatchObject({ 'waiting?': false, message: 'available' })
  })

  it('of which the outcome is told by the name that is the new one’s by then', async () => {
    const [old, made] = [await newDatabase('15'), await newDatabase('17')]
    await post(`${old.at}/run`)
    const { id } = api.store.addonUpgrades.list(old.id)[0]!
    api.store.addonUpgrades.setFork(id, made.id)
    api.store.addonUpgrades.setState(id, { kind: 'succeeded' })
    expect((await api.call('GET', `${made.at}/wait_status`)).body).toEqual({
      'waiting?': false,
      'error?': false,
      message: `${made.name} of version 17 took the place of ${old.name}`,
    })
  })

  it('is remembered among the newest hundred, and for good where another add-on has come of it', async () => {
    const { id } = await newDatabase('15')
    const { addonUpgrades } = api.store
    const asked = { addonId: id, accountId: null, version: '17', isRehearsal: true }
    const all = Array.from({ length: 105 }, (_, count) => {
      const { id: upgrade } = addonUpgrades.ask(asked)
      if (count === 0) addonUpgrades.setFork(upgrade, id)
      addonUpgrades.setState(upgrade, { kind: 'failed', reason: 'no' })
      return upgrade
    })
    const kept = addonUpgrades.list(id).map((one) => one.id)
    expect(kept).toEqual([...all.slice(5).toReversed(), all[0]])
  })

  it('tells what became of it', async () => {
    const { id, at, name } = await newDatabase('15')
    await post(`${at}/run`)
    const { id: upgrade } = api.store.addonUpgrades.list(id)[0]!
    api.store.addonUpgrades.setRehearsed(upgrade, 11.2)
    api.store.addonUpgrades.setState(upgrade, { kind: 'failed', reason: 'pg_upgrade: no' })
    expect((await api.call('GET', `${at}/wait_status`)).body).toEqual({
      'waiting?': false,
      'error?': true,
      message: `${name} was not upgraded, and goes on as it was: pg_upgrade: no`,
      step: 'failed',
      rehearsed_seconds: 12,
      longest_hold_seconds: 56,
      replaced_by: null,
      version: '17',
    })
  })
})

it('shows every route of its own', () => expectAllSeen('addons/upgrades.test.ts'))
