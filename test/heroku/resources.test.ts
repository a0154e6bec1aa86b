import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestTerminal } from '../cli/terminal.ts'
import { testAuthority } from '../helpers/certificates.ts'
import { HerokuUser } from './user.ts'

let terminal: TestTerminal
let user: HerokuUser
const life = new AsyncDisposableStack()

beforeAll(async () => {
  terminal = life.use(await TestTerminal.start({ PAAS_ACME_DIRECTORY: 'https://ca.example/directory' }))
  user = life.use(await HerokuUser.start({ url: terminal.url, token: terminal.api.token }))
})
afterAll(async () => {
  await life.disposeAsync()
})

/** Those of a table's rows. */
async function idsIn(argv: string[]): Promise<string[]> {
  return (await user.succeed(argv)).match(/^ +[\da-f-]{36}/gm)?.map((text) => text.trim()) ?? []
}

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

  it('makes authorizations with scopes that expire, changes, shows and revokes them', async () => {
    const scopes = ['-s', 'read,write-protected']
    const made = await user.succeed(['authorizations:create', '-d', 'CI', ...scopes, '-e', '3600', '--json'])
    const { id } = JSON.parse(made) as { id: string }
    expect(await user.succeed(['authorizations'])).toMatch(/CI .*read,write-protected/)
    expect(await user.succeed(['authorizations:info', id])).toMatch(
      /Expires at: .*\((about 1 hour|in 1 hour|in about 1 hour)\)/,
    )
    expect(await user.succeed(['authorizations:update', id, '-d', 'CI of ours'])).toMatch(/Description: +CI of ours\n/)
    await user.succeed(['authorizations:revoke', id])
    expect(await user.succeed(['authorizations'])).not.toMatch(/CI .*read/)
  })

  it('adds, shows and removes log drains', async () => {
    const drained = await app('drained')
    await user.succeed(['drains:add', 'https://logs.example.com/in', ...drained])
    expect(await user.succeed(['drains', ...drained])).toMatch(/^https:\/\/logs\.example\.com\/in \(d\.[\da-f-]+\)$/m)
    await user.succeed(['drains:remove', 'https://logs.example.com/in', ...drained])
  })

  it('adds, shows, changes and removes webhooks', async () => {
    const told = await app('told')
    const hook = ['-i', 'api:build', '-l', 'notify', '-u', 'https://hooks.example.com/in']
    expect(await user.succeed(['webhooks:add', ...hook, ...told])).toMatch(/Signing Secret\s+\w{32,}/)
    const [id = ''] = await idsIn(['webhooks', ...told])
    const change = ['-i', 'api:domain', '-l', 'sync', '-u', 'https://hooks.example.com/other']
    await user.succeed(['webhooks:update', id, ...change, ...told])
    expect(await user.succeed(['webhooks:info', id, ...told])).toMatch(
      /api:domain[^]*sync[^]*hooks\.example\.com\/other/,
    )
    await user.succeed(['webhooks:remove', id, ...told])
    expect(await user.succeed(['webhooks', ...told])).toContain('told has no webhooks')
  })

  it('shows what a webhook was told of', async () => {
    const heard = await app('heard')
    expect((await user.heroku(['webhooks:deliveries', ...heard])).stdout).toContain('heard has no deliveries')
    const hook = { include: ['api:domain'], level: 'sync', url: 'https://hooks.example.com/in' }
    await terminal.api.call('POST', '/apps/heard/webhooks', { body: hook })
    await terminal.api.call('POST', '/apps/heard/domains', { body: { hostname: 'www.heard.example' } })
    const [delivery = ''] = await idsIn(['webhooks:deliveries', ...heard])
    expect(await user.succeed(['webhooks:deliveries:info', delivery, ...heard])).toMatch(
      /Status: +pending\n[^]*"hostname": "www\.heard\.example"/,
    )
    const [event = ''] = await idsIn(['webhooks:events', ...heard])
    expect(await user.succeed(['webhooks:events:info', event, ...heard])).toContain('"resource": "domain"')
  })

  it('shows regions and stacks, and sets the one stack there is', async () => {
    const stacked = await app('stacked')
    expect(await user.succeed(['regions'])).toMatch(/^ +local +This server/m)
    expect(await user.succeed(['apps:stacks', ...stacked])).toContain('* debian-13')
    await user.succeed(['apps:stacks:set', 'debian-13', ...stacked])
  })

  it('builds what it completes names from, and completes the name of an app', async () => {
    await app('completed')
    expect(await user.succeed(['autocomplete', 'bash'])).toContain('Setup Instructions')
    const typed = ['autocomplete:options', 'heroku apps:info --app=']
    expect((await user.succeed(typed)).split('\n')).toContain('completed')
  })

  it('opens the config vars in an editor', async () => {
    const edited = await app('edited')
    await terminal.api.call('PATCH', '/apps/edited/config-vars', { body: { KEPT: 'a b', CHANGED: '1', GONE: '2' } })
    const editor = join(user.home, 'editor')
    const changes = `sed -i -e 's/^CHANGED=.*/CHANGED="x y"/' -e '/^GONE=/d' -e '$aNEW=3' "$1"`
    await writeFile(editor, `#!/bin/sh\n${changes}\n`, { mode: 0o755 })
    const line = `heroku config:edit ${edited.join(' ')}`
    const shown = await user.typeAt(line, { env: { EDITOR: editor } }, [{ when: /Update config on/, type: 'y\r' }])
    expect(shown).toMatch(/Updating config\.\.\. done/)
    const { body } = await terminal.api.call('GET', '/apps/edited/config-vars')
    expect(body).toEqual({ KEPT: 'a b', CHANGED: 'x y', NEW: '3' })
  })

  it('generates a key and a certificate of its own, which is taken', async () => {
    const signed = await app('signed')
    const generate = ['certs:generate', 'www.signed.example', '--selfsigned', '--now', ...signed]
    const { code, stderr } = await user.heroku(generate)
    expect(code, stderr).toBe(0)
    expect(stderr).toContain('heroku certs:add www.signed.example.crt www.signed.example.key')
    await user.succeed(['certs:add', 'www.signed.example.crt', 'www.signed.example.key', ...signed])
    expect(await user.succeed(['certs', ...signed])).toContain('www.signed.example')
  })

  it('says how certificates are that come by themselves, tries again, and turns them off and on', async () => {
    const managed = await app('managed')
    const hostname = 'www.managed.example'
    await user.succeed(['domains:add', hostname, ...managed])
    const { managedCertificates, apps } = terminal.api.store
    managedCertificates.add({ name: hostname, names: [hostname], appId: apps.find('managed')!.id })
    const record = () => managedCertificates.find(hostname)!
    const state = { kind: 'failing', fault: 'dns', problem: `The DNS has no address for ${hostname}.` } as const
    const later = new Date(Date.now() + 3_600_000)
    managedCertificates.setState(record().id, state, { failures: 1, nextAt: later })
    expect(await user.succeed(['certs:auto', ...managed])).toMatch(
      /is enabled on .*managed[^]*www\.managed\.example +Failing +The DNS has no address/,
    )
    expect(await user.succeed(['domains', '--extended', '--csv', ...managed])).toMatch(/ACM Status[^]*,failing,/)
    await user.succeed(['certs:auto:refresh', ...managed])
    expect(record().nextAt.getTime()).toBeLessThan(later.getTime())
    const { certificate, key } = await (await testAuthority()).issue([hostname])
    const dates = { issuedAt: new Date(), endsAt: later, renewAt: later }
    managedCertificates.issue(record().id, { certificate, key, ...dates }, later)
    expect(await user.succeed(['certs:auto', '--wait', ...managed])).toMatch(/www\.managed\.example +Cert issued/)
    await user.succeed(['domains:wait', hostname, ...managed])
    await user.succeed(['certs:auto:disable', '--confirm', 'managed', ...managed])
    expect(await user.succeed(['certs:auto', ...managed])).toContain('is disabled on')
    await user.succeed(['certs:auto:enable', '--wait', ...managed])
    expect(await user.succeed(['certs:auto', ...managed])).toContain('is enabled on')
    await user.succeed(['features:enable', 'http-session-affinity', ...managed])
    expect(await user.succeed(['features', ...managed])).toMatch(/\[\+\] http-session-affinity/)
  })

  it('asks which of the domains that a new certificate is for it is to be shown for', async () => {
    const chosen = await app('chosen')
    const names = ['a.chosen.example', 'b.chosen.example']
    for (const hostname of names) await terminal.api.call('POST', '/apps/chosen/domains', { body: { hostname } })
    const authority = await testAuthority()
    const first = await authority.issue(names)
    const body = { certificate_chain: first.certificate, private_key: first.key }
    await terminal.api.call('POST', '/apps/chosen/sni-endpoints', { body })
    const second = await authority.issue(names)
    await writeFile(join(user.home, 'chosen.pem'), second.certificate)
    await writeFile(join(user.home, 'chosen.key'), second.key)
    const line = `heroku certs:add chosen.pem chosen.key ${chosen.join(' ')}`
    await user.typeAt(line, {}, [{ when: /Select domains[^]*b\.chosen/, type: ' \r' }])
    const { sniEndpoints, domains, apps } = terminal.api.store
    const { id } = apps.find('chosen')!
    const [old, added] = sniEndpoints.list(id).toSorted((a, b) => Number(a.createdAt) - Number(b.createdAt))
    const shownFor = Object.fromEntries(domains.list(id).map((domain) => [domain.hostname, domain.sniEndpointId]))
    expect(shownFor).toEqual({ 'a.chosen.example': added!.id, 'b.chosen.example': old!.id })
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
    for (const list of ['/pipelines', '/teams', '/spaces']) expect(await heroku.get(list)).toEqual([])
    const refused = { statusCode: 404, body: { id: 'app_not_found' } }
    await expect(heroku.get('/apps/by-library')).rejects.toMatchObject(refused)
  })
})

it('nothing was asked of any other machine', async () => {
  expect(await user.strayConnections()).toEqual([])
})
