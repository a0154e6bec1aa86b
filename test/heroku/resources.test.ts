import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestTerminal } from '../cli/terminal.ts'
import { HerokuUser } from './user.ts'

let terminal: TestTerminal
let user: HerokuUser
const life = new AsyncDisposableStack()

beforeAll(async () => {
  terminal = life.use(await TestTerminal.start())
  user = life.use(await HerokuUser.start({ url: terminal.url, token: terminal.api.token }))
})
afterAll(async () => {
  await life.disposeAsync()
})

/** An app of its own for one test, as the arguments that name it. */
async function app(name: string): Promise<string[]> {
  await terminal.api.createApp(name)
  return ['-a', name]
}

describe.concurrent("Heroku's command", () => {
  it('logs in with email and password, says who one is, and logs out', async () => {
    await using guest = await HerokuUser.start({ url: terminal.url, token: terminal.api.token })
    const env = { HEROKU_API_KEY: undefined }
    const shown = await guest.typeAt('heroku login --interactive', { env }, [
      { when: /Email/, type: 'admin@example.com\r' },
      { when: /Password/, type: 'correct horse\r' },
    ])
    expect(shown).toContain('Logged in as admin@example.com')
    expect(shown).not.toContain('correct horse')
    expect(await guest.succeed(['whoami'], { env })).toBe('admin@example.com\n')
    await guest.succeed(['logout'], { env })
    expect((await guest.heroku(['whoami'], { env })).code).not.toBe(0)
    expect(await guest.strayConnections()).toEqual([])
  })

  it('makes and revokes authorizations', async () => {
    const made = await user.succeed(['authorizations:create', '-d', 'CI', '-s', 'read', '-e', '3600', '--json'])
    const { id } = JSON.parse(made) as { id: string }
    expect(await user.succeed(['authorizations'])).toMatch(/CI .*read/)
    expect(await user.succeed(['authorizations:info', id])).toMatch(/Description: +CI\n/)
    await user.succeed(['authorizations:revoke', id])
    expect(await user.succeed(['authorizations'])).not.toMatch(/CI .*read/)
  })

  it('adds log drains and webhooks', async () => {
    const told = await app('told')
    await user.succeed(['drains:add', 'https://logs.example.com/in', ...told])
    expect(await user.succeed(['drains', ...told])).toMatch(/^https:\/\/logs\.example\.com\/in \(d\.[\da-f-]+\)$/m)
    await user.succeed(['drains:remove', 'https://logs.example.com/in', ...told])
    const hook = ['-i', 'api:build', '-l', 'notify', '-u', 'https://hooks.example.com/in']
    expect(await user.succeed(['webhooks:add', ...hook, ...told])).toMatch(/Signing Secret\s+\w{32,}/)
    const [id = ''] = /^ +([\da-f-]{36}) /m.exec(await user.succeed(['webhooks', ...told]))?.slice(1) ?? []
    expect(await user.succeed(['webhooks:info', id, ...told])).toContain('https://hooks.example.com/in')
    expect((await user.heroku(['webhooks:deliveries', ...told])).stdout).toContain('told has no deliveries')
    await user.succeed(['webhooks:remove', id, ...told])
    expect(await user.succeed(['webhooks', ...told])).toContain('told has no webhooks')
  })

  it('shows regions and stacks', async () => {
    expect(await user.succeed(['regions'])).toMatch(/^ +local +This server/m)
    expect(await user.succeed(['apps:stacks', ...(await app('stacked'))])).toContain('* debian-13')
  })
})

describe('heroku-client from npm', () => {
  const load = createRequire(resolve(import.meta.dirname, '../fixtures/heroku-clients/package.json'))
  type Client = {
    get(path: string): Promise<{ name: string }[]>
    post(path: string, options: object): Promise<{ name: string }>
    patch(path: string, options: object): Promise<Record<string, string>>
    delete(path: string): Promise<{ name: string }>
  }

  it('creates, lists, configures and destroys an app', async () => {
    const HerokuClient = load('heroku-client') as new (options: object) => Client
    const heroku = new HerokuClient({ token: terminal.api.token, host: terminal.url })
    expect(await heroku.post('/apps', { body: { name: 'by-library' } })).toMatchObject({ name: 'by-library' })
    expect((await heroku.get('/apps')).map(({ name }) => name)).toContain('by-library')
    expect(await heroku.patch('/apps/by-library/config-vars', { body: { A: '1' } })).toEqual({ A: '1' })
    expect(await heroku.delete('/apps/by-library')).toMatchObject({ name: 'by-library' })
    const refused = { statusCode: 404, body: { id: 'app_not_found' } }
    await expect(heroku.get('/apps/by-library')).rejects.toMatchObject(refused)
  })
})

it('nothing was asked of any other machine', async () => {
  expect(await user.strayConnections()).toEqual([])
})
