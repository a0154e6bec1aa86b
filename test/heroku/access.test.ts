import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestTerminal } from '../cli/terminal.ts'
import { HerokuUser } from './user.ts'

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILW9HHZ+nQuXL5tJnTrsiZGosm2aW8wzDSE/ymk2Q1Xr ada@laptop'

let terminal: TestTerminal
let user: HerokuUser
beforeAll(async () => {
  terminal = await TestTerminal.start()
  user = await HerokuUser.start({ url: terminal.url, token: terminal.api.token })
  terminal.api.stranger('ada@example.com')
  await terminal.api.createApp('acme')
})
afterAll(async () => {
  await user[Symbol.asyncDispose]()
  await terminal[Symbol.asyncDispose]()
})

const app = ['-a', 'acme']

/** As `heroku login -i` does. */
async function logIn(): Promise<{ id: string; token: string }> {
  const authorization = `Basic ${Buffer.from('admin@example.com:correct horse').toString('base64')}`
  const login = { token: null, headers: { authorization }, body: {} }
  const { body } = await terminal.api.call('POST', '/oauth/authorizations', login)
  return { id: String(body['id']), token: String(body['access_token']!['token']) }
}

describe.concurrent("Heroku's own command", () => {
  it('gives access to an app, lists and takes it', async () => {
    await user.succeed(['access:add', 'ada@example.com', ...app])
    const listed = await user.succeed(['access', ...app])
    expect(listed).toMatch(/ada@example\.com +collaborator +deploy, operate, view/)
    expect(listed).toMatch(/admin@example\.com +owner +deploy, manage, operate, view/)
    await user.succeed(['access:remove', 'ada@example.com', ...app])
    expect(terminal.api.store.collaborators.list(terminal.api.store.apps.find('acme')!.id)).toEqual([])
  })

  it('shows why an account cannot have access', async () => {
    const unknown = await user.heroku(['access:add', 'nobody@example.com', ...app])
    expect(unknown).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('There is no account "nobody@example.com"'),
    })
  })

  it('rotates an authorization', async () => {
    const accountId = terminal.api.admin.id
    const { token, secret } = terminal.api.store.tokens.create({ accountId, description: 'CI', scope: ['read'] })
    const rotated = await user.succeed(['authorizations:rotate', token.id])
    const [, fresh = ''] = /Token: +(\S+)/.exec(rotated) ?? []
    expect(fresh).not.toBe(secret)
    expect((await terminal.api.call('GET', '/apps', { token: fresh })).status).toBe(200)
  })

  it('adds, lists and removes SSH keys', async () => {
    const file = join(user.home, 'id.pub')
    await writeFile(file, `${key}\n`)
    await user.succeed(['keys:add', file, '-y'])
    expect(await user.succeed(['keys'])).toMatch(/admin@example\.com keys\s+ssh-ed25519 AAAAC3NzaC\.\.\.\S+ ada@laptop/)
    await user.succeed(['keys:remove', 'ada@laptop'])
    expect(terminal.api.store.keys.list(terminal.api.admin.id)).toEqual([])
    await user.succeed(['keys:add', file, '-y'])
    await user.succeed(['keys:clear'])
    expect((await user.heroku(['keys'])).stderr).toContain('You have no SSH keys.')
  })

  it('turns a feature on and off, as its own or as one of its labs', async () => {
    await user.succeed(['labs:enable', 'runtime-dyno-metadata', ...app])
    expect(await user.succeed(['features', ...app])).toMatch(/\[\+\] preboot[^]*\[\+\] runtime-dyno-metadata/)
    await user.succeed(['features:disable', 'runtime-dyno-metadata', ...app])
    expect(await user.succeed(['features:info', 'runtime-dyno-metadata', ...app])).toMatch(/Enabled: +false\n/)
    await user.succeed(['features:enable', 'runtime-dyno-metadata', ...app])
    await user.succeed(['labs:disable', 'runtime-dyno-metadata', ...app])
    expect(await user.succeed(['labs:info', 'runtime-dyno-metadata', ...app])).toMatch(/Enabled: +false\n/)
    expect(await user.succeed(['labs', ...app])).toContain('=== User Features admin@example.com')
  })

  it('lets somebody leave an app, but not its owner', async () => {
    const { account, token } = terminal.api.stranger('guest@example.com')
    const { collaborators, apps } = terminal.api.store
    await terminal.api.createApp('left')
    collaborators.set(apps.find('left')!.id, account.id, 'deploy')
    await user.succeed(['apps:leave', '-a', 'left'], { env: { HEROKU_API_KEY: token } })
    expect(collaborators.list(apps.find('left')!.id)).toEqual([])
    expect((await user.heroku(['apps:leave', '-a', 'left'])).stderr).toContain('owns left.')
  })

  it('offers an app to another owner', async () => {
    const offered = await user.heroku(['apps:transfer', 'ada@example.com', ...app])
    expect(offered).toMatchObject({ code: 0, stderr: expect.stringContaining('Initiating transfer') })
  })

  it('lists the sessions that logins made, ends one, and logs out of another', async () => {
    const [mine, other] = [await logIn(), await logIn()]
    const env = { HEROKU_API_KEY: mine.token }
    expect(await user.succeed(['auth:token'], { env })).toBe(`${mine.token}\n`)
    expect(await user.succeed(['sessions'], { env })).toContain(other.id)
    await user.succeed(['sessions:destroy', other.id], { env })
    const out = await user.heroku(['logout'], { env })
    const after = [mine, other].map(async ({ token }) => (await terminal.api.call('GET', '/account', { token })).status)
    expect([out.code, ...(await Promise.all(after))]).toEqual([0, 401, 401])
  })
})

it('asked nothing of the network beyond this machine', async () => {
  expect(await user.strayConnections()).toEqual([])
})
