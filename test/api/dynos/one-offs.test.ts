import { beforeEach, describe, expect, it } from 'vitest'
import type { App } from '../../../src/model/app.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi, type Options } from '../test-api.ts'

const api = await TestApi.forFile()
let app: App
beforeEach(async () => {
  app = await api.newApp()
  api.deploy(app)
})

const run = (body: object, options: Options = {}) => api.call('POST', `/apps/${app.name}/dynos`, { body, ...options })
const names = async () => {
  const { body } = await api.call('GET', `/apps/${app.name}/dynos`)
  return body.map(({ name }) => String(name)).filter((name) => name.startsWith('run.'))
}

describe('a one-off dyno', () => {
  it('without a client is left to the worker', async () => {
    const { status, body } = await run({ command: 'rake db:migrate', attach: false, env: { TERM: 'xterm', LINES: 24 } })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      type: 'run',
      state: 'starting',
      size: 'Basic',
      attach_url: null,
      command: 'rake db:migrate',
    })
    expect(body['name']).toMatch(/^run\.\d{4}$/)
    const [oneOff] = api.store.oneOffs.list(app.id)
    expect(oneOff).toMatchObject({
      id: body['id'],
      env: { TERM: 'xterm', LINES: '24' },
      input: 'none',
      timeToLive: 86_400,
    })
    expect(await api.takeJobs()).toEqual([{ kind: 'run', appId: app.id, oneOffId: body['id'] }])
  })

  it('with a client waits for it, under an address that is good once', async () => {
    const { body } = await run({ command: 'bash', attach: true, size: 'standard-2x', time_to_live: 60 })
    const [, token = ''] = /^rendezvous:\/\/localhost:8443\/([\w-]{43})$/.exec(String(body['attach_url'])) ?? []
    expect(await api.takeJobs()).toEqual([])
    const { id, fingerprint } = api.store.tokens.authenticate(api.token)!.token
    expect(api.store.oneOffs.redeem(token)).toMatchObject({
      id: body['id'],
      // Its client's connection ends with them.
      accountId: api.admin.id,
      token: { id, fingerprint },
      input: 'terminal',
      size: 'standard-2x',
      timeToLive: 60,
    })
    expect(api.store.oneOffs.redeem(token)).toBeUndefined()
  })

  it('that joins a running dyno waits for its client, is told in the log, and is no dyno', async () => {
    const path = `/apps/${app.name}/dynos/web.1/actions/exec`
    const { status, body } = await api.call('POST', path, { body: { command: 'bash', force_no_tty: true } })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      command: 'bash',
      dyno: { name: 'web.1' },
      name: expect.stringMatching(/^exec\.\d{4}$/),
    })
    expect(await names()).toEqual([])
    const [, token = ''] = /^rendezvous:\/\/localhost:8443\/([\w-]{43})$/.exec(String(body['attach_url'])) ?? []
    expect(api.store.oneOffs.redeem(token)).toMatchObject({
      dyno: 'web.1',
      input: 'pipes',
      command: 'bash',
      token: { id: api.store.tokens.authenticate(api.token)!.token.id },
    })
    const told = 'Starting process with command `bash` in web.1 by user admin@example.com'
    await expect.poll(() => api.logOf(app.name)).toContain(told)
    for (const [dyno, wrong] of [
      ['web.2', 404],
      ['nothing', 404],
    ] as const) {
      const { status: refused } = await api.call('POST', path.replace('web.1', dyno), { body: { command: 'ls' } })
      expect(refused).toBe(wrong)
    }
    expect((await api.call('POST', path, { body: { command: 'ls', size: 'basic' } })).status).toBe(422)
  })

  it('is in the list, without its address, and is found by name and id', async () => {
    const { body } = await run({ command: 'bash', attach: true, force_no_tty: true })
    for (const name of [body['name'], body['id']]) {
      const shown = await api.call('GET', `/apps/${app.name}/dynos/${name}`)
      expect(shown.body).toEqual({ ...(body as object), attach_url: null })
    }
    expect(await names()).toEqual([body['name']])
    expect((await api.call('POST', `/apps/${app.name}/dynos/${body['name']}/actions/stop`)).status).toBe(202)
    expect(await api.takeJobs()).toEqual([{ kind: 'restart', appId: app.id, dyno: body['name'] }])
  })

  it('takes the size of a process type', async () => {
    api.store.formations.scale(app.id, [{ type: 'worker', size: 'performance-m' }])
    expect((await run({ command: 'x', type: 'worker' })).body['size']).toBe('Performance-M')
  })

  it.each<[string, object, number, RegExp]>([
    ['no command', {}, 422, /"command" is missing/],
    ['an empty command', { command: '' }, 422, /command must NOT have fewer than 1/],
    ['a command of spaces', { command: ' \n' }, 422, /The command is empty/],
    ['a command of 100 KB', { command: 'x'.repeat(100_000) }, 422, /command must NOT have more than 32768/],
    ['a command with a NUL byte', { command: 'a\0b' }, 422, /NUL byte/],
    ['a size that is none', { command: 'x', size: 'huge' }, 422, /no dyno size "huge"; there are/],
    ['a type that is none', { command: 'x', type: 'wrong' }, 422, /no process type "wrong"/],
    [
      'a key that is none',
      { command: 'x', env: { 'A-B': '1' } },
      422,
      /config var "A-B" has a name with characters other/,
    ],
    ['a key of the platform', { command: 'x', env: { DYNO: '1' } }, 422, /config var "DYNO" is set by the platform/],
    ['an environment of 100 KB', { command: 'x', env: { A: 'x'.repeat(100_000) } }, 422, /the limit is 65536/],
    ['a time of no length', { command: 'x', time_to_live: 0 }, 422, /time_to_live/],
    ['a time of two days', { command: 'x', time_to_live: 172_800 }, 422, /time_to_live/],
  ])('with %s is refused, and none is made', async (_, body, status, message) => {
    const answer = await run(body)
    expect([answer.status, answer.body['message']]).toEqual([status, expect.stringMatching(message)])
    expect(api.store.oneOffs.list(app.id)).toEqual([])
  })

  it('of an app without code is refused', async () => {
    const { name } = (await api.createApp()) as unknown as { name: string }
    const { status, body } = await api.call('POST', `/apps/${name}/dynos`, { body: { command: 'ls' } })
    expect([status, body['id']]).toEqual([422, 'app_not_deployed'])
  })

  it('is refused where there are twenty', async () => {
    const all = await Promise.all(Array.from({ length: 22 }, () => run({ command: 'ls' })))
    expect(all.filter(({ status }) => status === 201).length).toBe(20)
    expect(all.find(({ status }) => status !== 201)?.body['id']).toBe('one_offs_limit')
    expect(new Set(await names()).size).toBe(20)
  })

  it("is not a stranger's to make, nor anybody's whose token may not see config vars", async () => {
    const { token } = api.stranger()
    expect((await run({ command: 'ls' }, { token })).status).toBe(404)
    const weak = api.tokenOf(api.admin, ['write'])
    expect((await run({ command: 'ls' }, { token: weak })).status).toBe(403)
  })
})

it('every answer of this file was seen', () => expectAllSeen('dynos/one-offs.test.ts'))
