import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chooseOne, fullId } from '../../src/cli/ids.ts'
import type { Json } from '../api/test-api.ts'
import { TestTerminal } from './terminal.ts'

let terminal: TestTerminal
let app: { id: string; name: string; ownerId: string }

beforeAll(async () => {
  terminal = await TestTerminal.start()
  await terminal.api.createApp('acme')
  app = terminal.api.store.apps.find('acme')!
})
afterAll(() => terminal[Symbol.asyncDispose]())

describe('a list', () => {
  it('is shown whole, however many parts the server gives it in', async () => {
    const { token, account } = terminal.api.stranger('many@example.com')
    const names = Array.from({ length: 430 }, (_, index) => `many-${String(index).padStart(3, '0')}`)
    for (const name of names) terminal.api.store.apps.create({ name, ownerId: account.id, stack: 'debian-13' })
    const env = { PAAS_URL: terminal.url, PAAS_TOKEN: token }
    const shown = (await terminal.succeed(['apps'], { env })).trim().split('\n')
    expect(shown.map((line) => line.split(' ')[0])).toEqual(names)
    expect(JSON.parse(await terminal.succeed(['apps', '--json'], { env }))).toHaveLength(430)
    const completed = await terminal.succeed(['completion:words', '--', 'ps', '-a', 'many-42'], { env })
    expect(completed.trim().split('\n')).toHaveLength(10)
  })

  it('of the newest has as many as one asks for', async () => {
    expect((await terminal.succeed(['releases', '-n', '1', '--json', '-a', 'acme'])).match(/"version"/g)).toHaveLength(
      1,
    )
    expect((await terminal.paas(['webhooks:deliveries', '-n', '0', '-a', 'acme'])).stderr).toContain('must be 1 to 999')
  })
})

describe('stacks', () => {
  it('are listed, chosen for an app, and shown with what of the apps can be brought up to date', async () => {
    const { api } = terminal
    api.deploy(await api.newApp('docked'), 'c'.repeat(40), { web: null })
    expect(await terminal.succeed(['stack', '-a', 'docked'])).toContain('* debian-13')
    expect((await terminal.paas(['stack:set', 'debian-1', '-a', 'docked'])).stderr).toContain(
      'There is no stack "debian-1"; this server has debian-13.',
    )
    await terminal.succeed(['stack:set', 'debian-13', '-a', 'docked'])
    expect(await terminal.succeed(['stacks'])).toMatch(
      /^App .*Security updates.*\ndocked +Dockerfile +its Dockerfile says what it runs on; build it again\n$/,
    )
    expect(await terminal.succeed(['stacks', '-a', 'docked'])).toMatch(/Stack: +Dockerfile\n.*\n.*\nUpdates: +unknown/)
  })

  it('are upgraded; the end says what became of each app, and fails when one was not moved', async () => {
    const { api } = terminal
    const app = await api.newApp('outdated')
    api.deploy(app, 'd'.repeat(40))
    expect((await terminal.paas(['stack:upgrade', '--all', '-a', 'outdated'])).code).toBe(1)
    const upgrading = terminal.paas(['stack:upgrade', '-a', 'outdated'])
    await expect.poll(() => api.store.stackUpgrades.listRunning()).toHaveLength(1)
    const [{ id } = { id: '' as never }] = api.store.stackUpgrades.listRunning()
    api.store.stackUpgrades.setMove(id, app.id, { kind: 'failed', reason: 'boot failed: web.1 exited with 7' })
    api.store.stackUpgrades.setState(id, { kind: 'finished' })
    const { code, stdout, stderr } = await upgrading
    expect([code, stdout]).toEqual([1, '0 moved, 0 up to date, 1 failed, 0 cannot be moved\n'])
    expect(stderr).toContain('outdated: failed: boot failed: web.1 exited with 7\n')
    expect(stderr).toContain('Not moved, and served by the release of before: outdated.')
  })
})

describe('an id', () => {
  it('may be given by its beginning, as a narrow terminal shows it', async () => {
    const { id } = JSON.parse(await terminal.succeed(['tokens:create', '-d', 'short', '--json'])) as { id: string }
    for (const given of [id.slice(0, 12), `${id.slice(0, 10)}…`, id]) {
      expect(await terminal.succeed(['tokens:info', given])).toContain(`Id:          ${id}`)
    }
    expect(await terminal.succeed(['tokens:revoke', id.slice(0, 13)])).toBe('')
    expect((await terminal.paas(['tokens:info', id.slice(0, 13)])).stderr).toContain(
      `There is no token "${id.slice(0, 13)}". See them with: paas tokens`,
    )
  })

  it('of a webhook and of a drain, too', async () => {
    const call = async (path: string, body: object): Promise<Json> =>
      (await terminal.api.call('POST', `/apps/acme${path}`, { body })).body
    const webhook = await call('/webhooks', { include: ['api:app'], level: 'sync', url: 'https://1.1.1.1/hook' })
    const begun = String(webhook['id']).slice(0, 11)
    expect(await terminal.paas(['webhooks:update', begun, '-l', 'notify', '-a', 'acme'])).toMatchObject({ code: 0 })
    expect(await terminal.paas(['webhooks:remove', begun, '-a', 'acme'])).toMatchObject({ code: 0 })
    const drain = await call('/log-drains', { url: 'https://1.1.1.1/drain' })
    const token = `${String(drain['token']).slice(0, 12)}…`
    expect(await terminal.paas(['drains:remove', token, '-a', 'acme'])).toMatchObject({ code: 0 })
    expect(await terminal.succeed(['drains', '-a', 'acme'])).toBe('acme has no drains.\n')
  })

  it('of a build is found among all there are, and its output comes as JSON', async () => {
    const { builds } = terminal.api.store
    const asked = {
      appId: app.id,
      accountId: app.ownerId,
      ref: null,
      previousCommit: null,
      noCache: false,
      detached: false,
    }
    const { build } = builds.create({ ...asked, commit: 'a'.repeat(40) } as Parameters<typeof builds.create>[0])
    builds.requestCancel(build.id)
    const begun = build.id.slice(0, 13)
    const output = JSON.parse(await terminal.succeed(['builds:output', begun, '--json', '-a', 'acme'])) as Json
    expect(output).toMatchObject({ id: build.id, state: 'cancelled', output: '' })
    expect((await terminal.paas(['builds:cancel', begun, '-a', 'acme'])).stderr).toContain(
      `the build ${build.id} of acme`,
    )
  })

  it('of a build is enough to see how it went', async () => {
    const { builds } = terminal.api.store
    const asked = { appId: app.id, accountId: app.ownerId, ref: null, previousCommit: null, commit: 'b'.repeat(40) }
    const { build } = builds.create({ ...asked, noCache: false, detached: false } as Parameters<
      typeof builds.create
    >[0])
    const { generation } = builds.claim(build.id)!
    builds.finish(
      build.id,
      generation,
      { kind: 'failed', finishedAt: new Date(), code: 'build_failed', reason: 'build failed: npm ci exited with 1' },
      {
        phases: { queue: 12, source: 50, compile: 61_234 },
        dependencies: 'used again',
        sourceBytes: 3 * 2 ** 20,
        dependencyBytes: 400 * 2 ** 20,
        packs: ['node_version: 24.1.0'],
      },
    )
    const shown = await terminal.succeed(['builds:info', build.id.slice(0, 20), '-a', 'acme'])
    expect(shown.split('\n').filter((line) => !line.startsWith('When'))).toEqual([
      `=== Build ${build.id} of acme`,
      '',
      'State:        failed: build failed: npm ci exited with 1',
      `Version:      ${'b'.repeat(40)}`,
      'By:           admin@example.com',
      'Buildpacks:   not known',
      'Slug:         none',
      'Dependencies: used again',
      'Sizes:        source 3.0 MiB, dependencies 400.0 MiB',
      '',
      'Phases:',
      '  queue:   0.01 s',
      '  source:  0.05 s',
      '  compile: 61.23 s',
      '',
      'What its buildpacks report:',
      '  node_version: 24.1.0',
      '',
    ])
  })

  it('is not needed to see what each app takes of the disk', async () => {
    const [heading, , names, acme] = (await terminal.succeed(['disk', 'acme'])).split('\n')
    expect(heading).toBe('=== Disk use of apps, in MiB')
    expect(names).toBe('App   Total  Images  Cache  Repository  Logs  Volumes')
    expect(acme).toMatch(/^acme +\d+\.\d +0\.0 +0\.0 +\d+\.\d +0\.0$/)
  })

  it('is not guessed: what begins two of them names none', async () => {
    const all = [{ id: '1a2b' }, { id: '1a2c' }, { id: '1a' }]
    const see = { what: 'build', see: 'paas builds', all: async () => all }
    expect(await fullId('1a2b', see)).toBe('1a2b')
    expect(await fullId('1a', see)).toBe('1a')
    await expect(fullId('1a2', see)).rejects.toThrow('2 of these match "1a2".')
    await expect(fullId('2', see)).rejects.toThrow('There is no build "2".')
    expect(await fullId('~', see)).toBe('~')
    const namesOf = ({ id }: { id: string }): string[] => [id]
    expect(() => chooseOne(all, '…', { what: 'build', see: '', namesOf })).toThrow('3 of these match')
  })
})
