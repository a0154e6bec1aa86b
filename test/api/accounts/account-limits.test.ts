import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Account } from '../../../src/model/account.ts'
import type { App } from '../../../src/model/app.ts'
import { expectAllSeen } from '../answers.ts'
import { makeCommit } from '../builds/make-commit.ts'
import { TestApi } from '../test-api.ts'

const server = {
  PAAS_ACCOUNT_APPS: '2',
  PAAS_ACCOUNT_DYNOS: '5',
  PAAS_ACCOUNT_BUILDS: 'off',
  PAAS_ACCOUNT_BUILDS_PER_HOUR: '2',
  PAAS_ACCOUNT_ONE_OFFS: '1',
}

const api = await TestApi.forFile(server)

let count = 0
/** An account with as many apps as it may have. */
async function full(): Promise<{ account: Account; token: string; apps: App[] }> {
  const { account, token } = api.stranger(`full-${++count}@example.com`)
  const names = [`full-${count}-a`, `full-${count}-b`]
  for (const name of names) await api.createApp(name, token)
  return { account, token, apps: names.map((name) => api.store.apps.find(name)!) }
}

const give = ({ email }: Account, limits: object) => api.call('PATCH', `/accounts/${email}/limits`, { body: limits })

describe('an account', () => {
  it('has no more apps than it may, wherever they come from, until it is given more', async () => {
    const { account, token } = await full()
    const create = () => api.call('POST', '/apps', { token, body: {} })
    const { status, body } = await create()
    expect([status, body['id'], body['message']]).toEqual([
      422,
      'account_limit',
      `${account.email} would have 3 apps; the limit is 2. Destroy one that nobody needs, with: paas destroy APP. ` +
        `The server's operator raises the limit with: paas accounts:limits ${account.email} apps=3`,
    ])
    await api.createApp('offered')
    await api.call('POST', '/account/app-transfers', { body: { app: 'offered', recipient: account.email } })
    const accept = () => api.call('PATCH', '/account/app-transfers/offered', { token, body: { state: 'accepted' } })
    expect((await accept()).body['id']).toBe('account_limit')
    expect((await give(account, { apps: 3 })).body['apps']).toEqual({ limit: 3, used: 2, given: true })
    expect((await accept()).status).toBe(200)
    expect((await create()).status).toBe(422)
    await give(account, { apps: null })
    expect((await api.call('GET', '/account/limits', { token })).body['apps']).toEqual({
      limit: 2,
      used: 3,
      given: false,
    })
  })

  it('has no more dynos than it may, over all its apps, whoever asks; less is always taken', async () => {
    const { account, token, apps } = await full()
    for (const app of apps) api.deploy(app)
    const { account: mate, token: theirs } = api.stranger(`mate-${count}@example.com`)
    api.store.collaborators.set(apps[0]!.id, mate.id, 'deploy')
    const scale = (app: App, web: number, by = token) =>
      api.call('PATCH', `/apps/${app.name}/formation/web`, { token: by, body: { quantity: web } })
    expect((await scale(apps[0]!, 4)).status).toBe(200)
    const over = await scale(apps[0]!, 5, theirs)
    expect([over.status, over.body['message']]).toEqual([
      422,
      expect.stringContaining('would have 6 dynos; the limit is 5'),
    ])
    expect(api.store.formations.list(apps[0]!.id).find(({ type }) => type === 'web')?.quantity).toBe(4)
    await give(account, { dynos: 2 })
    expect((await scale(apps[0]!, 3)).status).toBe(200)
    expect((await scale(apps[0]!, 3)).status).toBe(200)
    expect((await scale(apps[1]!, 2)).body['id']).toBe('account_limit')
  })

  it('has no more one-off dynos than it may', async () => {
    const { token, apps } = await full()
    for (const app of apps) api.deploy(app)
    const run = (app: App) =>
      api.call('POST', `/apps/${app.name}/dynos`, { token, body: { command: 'x', attach: true } })
    expect((await run(apps[0]!)).status).toBe(201)
    expect((await run(apps[1]!)).body['message']).toContain('would have 2 one-off dynos; the limit is 1')
  })

  it('has no more builds an hour than it may, over all its apps, those that are gone too; then the next is told', async () => {
    const { token, apps } = await full()
    const build = async ({ id, name }: App) => {
      const commit = makeCommit(await api.repositories.ensure(id))
      return api.call('POST', `/apps/${name}/builds`, { token, body: { commit } })
    }
    expect((await build(apps[0]!)).status).toBe(201)
    expect((await build(apps[1]!)).status).toBe(201)
    await api.call('DELETE', `/apps/${apps[1]!.name}`, { token })
    const { status, body } = await build(apps[0]!)
    expect([status, body['id']]).toEqual([422, 'account_limit'])
    const next = new Date(Date.now() + 3_600_000).toISOString().slice(11, 13)
    expect(body['message']).toMatch(
      new RegExp(
        `would have 3 builds within an hour; the limit is 2\\. The next one is accepted at (${next}:|\\d\\d:59)`,
      ),
    )
  })

  it('is shown what its repositories take together', async () => {
    const { token, apps } = await full()
    const path = await api.repositories.ensure(apps[0]!.id)
    await writeFile(join(path, 'objects/large'), Buffer.alloc(3 * 2 ** 20))
    const { body } = await api.call('GET', '/account/limits', { token })
    expect(body['repository_mib']).toEqual({ limit: 10_240, used: 3, given: false })
  })

  it('of an admin has no limit but what it is given', async () => {
    for (let made = 0; made < 3; made += 1) await api.createApp()
    const { body } = await api.call('GET', `/accounts/${api.admin.id}/limits`)
    expect(body['apps']).toMatchObject({ limit: null, given: false })
    await give(api.admin, { apps: 0, dynos: 'off' })
    expect((await api.call('POST', '/apps', { body: {} })).body['id']).toBe('account_limit')
    expect((await give(api.admin, { apps: null })).body['dynos']).toMatchObject({ limit: null, given: true })
  })

  it('cannot give itself more', async () => {
    const { account, token } = await full()
    const path = `/accounts/${account.email}/limits`
    expect((await api.call('PATCH', path, { token, body: { apps: 'off' } })).status).toBe(403)
    expect((await api.call('GET', path, { token })).status).toBe(403)
  })

  it.each([[{}], [{ apps: -1 }], [{ apps: 'many' }], [{ disks: 1 }]])('is not given %j', async (limits) => {
    expect((await give(api.admin, limits)).status).toBe(422)
  })
})

it('shows every route of its own', () => expectAllSeen('accounts/account-limits.test.ts'))
