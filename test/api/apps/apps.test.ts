import { describe, expect, it } from 'vitest'
import { appNamePattern } from '../../../src/model/app.ts'
import { generateAppName } from '../../../src/api/apps/app-name.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()

describe('creating an app', () => {
  it('answers with where it is pushed to and where it will be', async () => {
    const { body } = await api.call('POST', '/apps', { body: { name: 'acme' } })
    expect(body).toMatchObject({
      name: 'acme',
      git_url: 'http://localhost:8080/acme.git',
      web_url: 'http://acme.localhost:8080/',
      owner: { email: 'admin@example.com' },
      stack: { name: 'debian-13' },
      released_at: null,
    })
  })

  it('gives it a name if none is wanted', async () => {
    const names = [await api.createApp(), await api.createApp()].map((app) => String(app['name']))
    expect(names[0]).toMatch(/^[a-z]+-[a-z]+-\d{4}$/)
    expect(names[0]).not.toBe(names[1])
    for (let count = 0; count < 1000; count += 1) expect(generateAppName()).toMatch(appNamePattern)
  })

  it.each([
    ['ab', 'is too short'],
    ['a'.repeat(31), 'is too long (31 characters)'],
    ['1app', 'does not begin with a lower-case letter'],
    ['Acme', 'does not begin with a lower-case letter'],
    ['app-', 'ends with a dash'],
    ['my_app', 'has a character that is not allowed'],
    ['my.app', 'has a character that is not allowed'],
    ['../../etc', 'does not begin with a lower-case letter'],
    ['app\nname', 'has a character that is not allowed'],
    ['äpfel', 'does not begin with a lower-case letter'],
  ])('refuses the name %j: it %s', async (name, problem) => {
    const { status, body } = await api.call('POST', '/apps', { body: { name } })
    expect([status, body['id']]).toEqual([422, 'invalid_params'])
    expect(body['message']).toBe(
      `The app name ${JSON.stringify(name)} ${problem}. A name has 3 to 30 characters: lower-case letters, digits and dashes, beginning with a letter and not ending with a dash.`,
    )
  })

  it('refuses a name that is taken, also by an app of somebody else', async () => {
    const { token } = api.stranger()
    await api.createApp('taken')
    for (const as of [token, api.token]) {
      const { status, body } = await api.call('POST', '/apps', { body: { name: 'taken' }, token: as })
      expect([status, body['id'], body['message']]).toEqual([
        422,
        'name_taken',
        'The app name taken is taken. Choose another name.',
      ])
    }
  })

  it.each([
    [{ stack: 'heroku-24' }, 'There is no stack "heroku-24"; this server has debian-13.'],
    [{ region: 'mars' }, 'There is no region "mars"; this server has local.'],
  ])('refuses %j', async (body, message) => {
    expect((await api.call('POST', '/apps', { body })).body['message']).toBe(message)
  })
})

describe('changing an app', () => {
  it('renames it and wakes the worker, since its address is another one', async () => {
    const { id } = (await api.createApp('before')) as unknown as { id: string }
    await api.takeJobs()
    const { body } = await api.call('PATCH', '/apps/before', { body: { name: 'after' } })
    expect(body).toMatchObject({ id, name: 'after', web_url: 'http://after.localhost:8080/' })
    expect((await api.call('GET', '/apps/before')).status).toBe(404)
    expect(await api.takeJobs()).toEqual([{ kind: 'converge', appId: id }])
  })

  it('refuses a name that is not one, or taken, and changes nothing else with it', async () => {
    await api.createApp('first')
    await api.createApp('second')
    for (const name of ['First', 'second']) {
      const { status } = await api.call('PATCH', '/apps/first', { body: { name, maintenance: true } })
      expect(status).toBe(422)
    }
    expect(api.store.apps.find('first')?.maintenance).toBe(false)
  })

  it('sets the branch that deploys, and back', async () => {
    await api.createApp('branchy')
    const set = (branch: string | null) => api.call('PATCH', '/apps/branchy', { body: { deploy_branch: branch } })
    expect((await set('release/next')).status).toBe(200)
    expect(api.store.apps.find('branchy')?.deployBranch).toBe('release/next')
    for (const wrong of ['', 'a..b', '-x', 'x.lock', 'a b', 'a~1', 'refs/', '@', 'x/.y', 'a\u0000']) {
      expect([wrong, (await set(wrong)).status]).toEqual([wrong, 422])
    }
    await set(null)
    expect(api.store.apps.find('branchy')?.deployBranch).toBeNull()
  })
})

describe('destroying an app', () => {
  it('makes it invisible at once, cancels its builds and leaves the rest to the worker', async () => {
    await api.createApp('doomed')
    const app = api.store.apps.find('doomed')!
    const asked = {
      appId: app.id,
      accountId: app.ownerId,
      ref: null,
      previousCommit: null,
      noCache: false,
      detached: false,
    }
    const { id } = api.store.builds.create({ ...asked, commit: 'a'.repeat(40) }).build
    api.store.builds.claim(id)
    const { build: waiting } = api.store.builds.create({ ...asked, commit: 'b'.repeat(40) })
    await api.takeJobs()
    expect((await api.call('DELETE', '/apps/doomed')).body['name']).toBe('doomed')
    expect((await api.call('GET', '/apps/doomed')).status).toBe(404)
    expect((await api.call('DELETE', '/apps/doomed')).status).toBe(404)
    expect(api.store.apps.get(app.id)?.destroying).toBe(true)
    expect(api.store.builds.find(id)?.state).toMatchObject({ kind: 'running', cancelRequested: true })
    expect(api.store.builds.find(waiting.id)?.state.kind).toBe('cancelled')
    expect(await api.takeJobs()).toEqual([{ kind: 'converge', appId: app.id }])
    await api.createApp('doomed')
  })
})
