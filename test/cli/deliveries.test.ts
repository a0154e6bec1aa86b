import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestTerminal } from './terminal.ts'

let terminal: TestTerminal

beforeAll(async () => {
  terminal = await TestTerminal.start()
  await terminal.api.createApp('acme')
})
afterAll(() => terminal[Symbol.asyncDispose]())

const app = ['-a', 'acme']

describe('paas drains', () => {
  it('adds a drain, lists it, and removes it by its URL', async () => {
    expect(await terminal.succeed(['drains', ...app])).toBe('acme has no drains.\n')
    const url = 'syslog+tls://1.1.1.1:6514'
    const token = (await terminal.succeed(['drains:add', url, ...app])).trim()
    const [{ id }] = JSON.parse(await terminal.succeed(['drains', '--json', ...app]))
    expect(await terminal.succeed(['drains', ...app])).toBe(`=== acme Drains\n\n${url}  ${token}  ${id}\n`)
    expect(await terminal.succeed(['drains:remove', url, ...app])).toBe('')
    expect(await terminal.succeed(['drains', '--json', ...app])).toBe('[]\n')
  })

  it('explains in one line what a drain may not be', async () => {
    const { code, stderr } = await terminal.paas(['drains:add', 'https://10.0.0.1/', ...app])
    expect([code, stderr.split('\n').length]).toEqual([1, 3])
    expect(stderr).toContain('10.0.0.1 (port 443) is not on the public internet. Choose a public address')
  })
})

describe('paas webhooks', () => {
  it('adds a webhook and shows its secret once, lists, changes and removes it', async () => {
    expect(await terminal.succeed(['webhooks', ...app])).toBe('acme has no webhooks.\n')
    const where = ['-u', 'https://1.1.1.1/hook', '-l', 'sync']
    const added = await terminal.paas(['webhooks:add', '-i', 'api:app, api:release', ...where, ...app])
    expect(added.stdout).toMatch(/^Secret: [\da-f]{32}\n$/)
    const id = /webhooks:remove (\S+) -a acme/.exec(added.stderr)?.[1] ?? ''
    expect(await terminal.succeed(['webhooks', ...app])).toBe(
      `=== acme Webhooks\n\n${id}  https://1.1.1.1/hook  api:app,api:release  sync\n`,
    )
    await terminal.succeed(['webhooks:update', id, '-i', 'api:build', '-l', 'notify', ...app])
    const [changed] = JSON.parse(await terminal.succeed(['webhooks', '--json', ...app]))
    expect(changed).toMatchObject({ id, include: ['api:build'], level: 'notify', url: 'https://1.1.1.1/hook' })
    await terminal.succeed(['webhooks:remove', id, ...app])
    expect(await terminal.succeed(['webhooks', '--json', ...app])).toBe('[]\n')
  })

  it('lists deliveries, the newest first', async () => {
    expect(await terminal.succeed(['webhooks:deliveries', ...app])).toBe('acme has no deliveries.\n')
    await terminal.succeed(['webhooks:add', '-i', 'api:app', '-l', 'sync', '-u', 'https://1.1.1.1/', ...app])
    await terminal.succeed(['maintenance:on', ...app])
    expect(await terminal.succeed(['webhooks:deliveries', ...app])).toMatch(
      /^=== acme Deliveries\n\n.* {2}api:app {2}pending {2}0 attempts/,
    )
  })

  it('says which entities there are', async () => {
    const wrong = ['-i', 'api:dynamo', '-l', 'sync', '-u', 'https://1.1.1.1/']
    expect((await terminal.paas(['webhooks:add', ...wrong, ...app])).stderr).toContain(
      'must be one of api:addon, api:addon-attachment, api:app, api:build,',
    )
  })
})
