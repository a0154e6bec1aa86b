import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestTerminal } from './terminal.ts'

let terminal: TestTerminal

beforeAll(async () => {
  terminal = await TestTerminal.start()
})
afterAll(() => terminal[Symbol.asyncDispose]())

/** The environment of somebody else with an account. */
function newcomer(email: string): { env: NodeJS.ProcessEnv } {
  const { token } = terminal.api.stranger(email)
  return { env: { HOME: '/nonexistent', PAAS_URL: terminal.url, PAAS_TOKEN: token } }
}

describe('access to an app', () => {
  it('is given, listed, changed and taken', async () => {
    await terminal.succeed(['create', 'shared'])
    const app = ['-a', 'shared']
    const ada = newcomer('ada@example.com')
    expect((await terminal.paas(['info', ...app], ada)).stderr).toContain('There is no app "shared"')
    const added = await terminal.paas(['access:add', 'ada@example.com', ...app])
    expect(added).toEqual({
      code: 0,
      stdout: '',
      stderr:
        'Adding ada@example.com to shared as deploy... done\nUndo with: paas access:remove ada@example.com -a shared\n',
    })
    expect(await terminal.succeed(['access', ...app], ada)).toBe(
      '=== shared Access\n\nada@example.com    deploy\nadmin@example.com  owner\n',
    )
    expect((await terminal.paas(['rename', 'mine', ...app], ada)).stderr).toContain(
      'You have the role deploy for shared; this needs admin.',
    )
    const updated = await terminal.paas(['access:update', 'ada@example.com', '--role', 'view', ...app])
    expect(updated.stderr).toContain('Undo with: paas access:update ada@example.com --role deploy -a shared')
    expect((await terminal.paas(['config:set', 'A=1', ...app], ada)).stderr).toContain('this needs deploy')
    const removed = await terminal.paas(['access:remove', 'ada@example.com', ...app])
    expect(removed.stderr).toContain('Undo with: paas access:add ada@example.com --role view -a shared')
    expect((await terminal.paas(['info', ...app], ada)).code).toBe(1)
  })

  it.each([
    [['access:add', 'nobody@example.com'], /no account "nobody@example.com" on this server/],
    [['access:add', 'admin@example.com'], /admin@example.com owns mine\. Transfer it to another owner/],
    [['access:remove', 'nobody@example.com'], /mine has no collaborator "nobody@example.com"/],
    [['access:add', 'x@example.com', '--role', 'boss'], /'boss' is invalid\. Allowed choices are view, deploy, admin/],
    [['access:update', 'x@example.com'], /Required option '--role <role>' not specified/],
  ])('is not %j', async (argv, message) => {
    await terminal.paas(['create', 'mine'])
    const { code, stdout, stderr } = await terminal.paas([...argv, '-a', 'mine'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(message)
  })
})

describe('accounts', () => {
  it('are made, listed, disabled, enabled and removed by an admin', async () => {
    const first = await terminal.succeed(['accounts:create', 'eve@example.com', '--name', 'Eve'])
    expect(first).toMatch(/^\S{20,}\n$/)
    expect(await terminal.succeed(['accounts'])).toMatch(/^admin@example\.com +admin\n[^]*^eve@example\.com +Eve *$/m)
    const disabled = await terminal.paas(['accounts:disable', 'eve@example.com'])
    expect(disabled).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('Undo with: paas accounts:enable eve@example.com'),
    })
    expect(await terminal.succeed(['accounts'])).toMatch(/eve@example\.com +Eve +disabled since 2/)
    const guest = { env: { HOME: await mkdtemp(join(tmpdir(), 'paas-guest-')) } }
    const login = { ...guest, input: `eve@example.com\n${first}` }
    expect((await terminal.paas(['login', terminal.url], login)).stderr).toContain('email or the password is wrong')
    await terminal.succeed(['accounts:enable', 'eve@example.com'])
    expect((await terminal.paas(['login', terminal.url], login)).stderr).toContain('as eve@example.com')
    expect((await terminal.paas(['accounts'], guest)).stderr).toContain('Only an admin account may do this')
    const asked = await terminal.paas(['accounts:remove', 'eve@example.com'])
    expect(asked.stderr).toContain('paas accounts:remove eve@example.com --confirm eve@example.com')
    await terminal.succeed(['accounts:remove', 'eve@example.com', '--confirm', 'eve@example.com'])
    expect((await terminal.paas(['whoami'], guest)).stderr).toContain('The token is not valid')
  })

  it('of the first start has no password: it sets one where it is logged in, and logs in elsewhere with it', async () => {
    const { api } = terminal
    const { id } = api.store.accounts.create({ email: 'admin@paas.localhost', admin: true })
    const token = api.store.tokens.create({
      accountId: id,
      description: 'paas command of the server',
      scope: ['global'],
    })
    const server = { env: { PAAS_URL: terminal.url, PAAS_TOKEN: token.secret } }
    const differ = await terminal.paas(['password'], { ...server, input: '\nnew password\nnew passwort\n' })
    expect(differ).toMatchObject({ code: 1, stderr: expect.stringContaining('passwords differ; nothing was changed') })
    const set = await terminal.paas(['password'], { ...server, input: '\nnew password\nnew password\n' })
    expect(set).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining(`paas login ${terminal.url}`) })
    expect(set.stderr).not.toContain('new password')
    expect(set.stderr).toMatch(/These tokens keep working[^]*paas command of the server/)
    const laptop = { env: { HOME: await mkdtemp(join(tmpdir(), 'paas-laptop-')) } }
    const login = { ...laptop, input: 'admin@paas.localhost\nnew password\n' }
    expect((await terminal.paas(['login', terminal.url], login)).code).toBe(0)
    expect(await terminal.succeed(['tokens'], laptop)).toMatch(
      /paas login from [^]*paas command of the server|paas command of the server[^]*paas login from /,
    )
    const wrong = await terminal.paas(['password'], { ...laptop, input: 'wrong\nother password\nother password\n' })
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('current password is wrong') })
    await terminal.succeed(['password'], { ...server, input: 'new password\nother password\nother password\n' })
    expect((await terminal.paas(['whoami'], laptop)).stderr).toContain('The token is not valid')
    expect(await terminal.succeed(['whoami'], server)).toBe('admin@paas.localhost\n')
  })

  it('have limits that an admin changes', async () => {
    await terminal.succeed(['accounts:create', 'big@example.com'])
    const set = await terminal.paas(['accounts:limits', 'big@example.com', 'apps=200', 'builds=off'])
    expect(set.stdout).toMatch(/^apps +0 of 200 +set for this account$[^]*^builds +0 of any number/m)
    expect(set.stderr).toContain('paas accounts:limits big@example.com apps=default builds=default')
    const back = await terminal.succeed(['accounts:limits', 'big@example.com', 'apps=default', 'builds=default'])
    expect(back).toMatch(/^apps +0 of 100 *$[^]*^dynos +0 of 100 *$[^]*^builds +0 of 10 *$/m)
    expect(await terminal.succeed(['accounts:limits'])).toMatch(/Your Limits\n[^]*apps +\d+ of any number/)
    expect((await terminal.paas(['accounts:limits', 'big@example.com', 'apps=-1'])).stderr).toContain(
      'must be like apps=200',
    )
  })
})

describe('tokens', () => {
  const asToken = (token: string) => ({ env: { HOME: '/nonexistent', PAAS_URL: terminal.url, PAAS_TOKEN: token } })

  it('do what their scope says, until they expire, and are rotated', async () => {
    const argv = ['tokens:create', '-d', 'CI', '--scope', 'read', '--expires-in', '30d']
    const made = await terminal.paas(argv)
    const token = made.stdout.trim()
    const [, id = ''] = /^Created the token (\S+)\./.exec(made.stderr) ?? []
    expect((await terminal.paas(['create', 'no-way'], asToken(token))).stderr).toContain(
      'This needs a token with the scope write; this one has read.',
    )
    const shown = await terminal.succeed(['tokens:info', id])
    expect(shown).toMatch(/^Id: +\S+\nDescription: CI\nScope: +read\nCreated: .*\nExpires: +in (29|30)d\n$/)
    const rotated = (await terminal.succeed(['tokens:rotate', id])).trim()
    expect((await terminal.paas(['apps'], asToken(token))).stderr).toContain('The token is not valid')
    expect((await terminal.paas(['apps'], asToken(rotated))).code).toBe(0)
    expect((await terminal.paas(['tokens:create', '-e', 'soon'])).stderr).toContain(
      '--expires-in is "soon"; it must be',
    )
  })
})

describe('SSH keys', () => {
  it('are added from their usual place or a file, listed and removed', async () => {
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILW9HHZ+nQuXL5tJnTrsiZGosm2aW8wzDSE/ymk2Q1Xr ada@laptop'
    const env = { HOME: `${terminal.home}/ssh`, PAAS_URL: terminal.url, PAAS_TOKEN: terminal.api.token }
    expect((await terminal.paas(['keys:add'], { env })).stderr).toContain('Create one with ssh-keygen')
    mkdirSync(`${env.HOME}/.ssh`, { recursive: true })
    writeFileSync(`${env.HOME}/.ssh/id_ed25519.pub`, `${key}\n`)
    expect((await terminal.paas(['keys:add'], { env })).stderr).toMatch(/id_ed25519\.pub\.\.\. done, SHA256:/)
    expect(await terminal.succeed(['keys'])).toMatch(/^=== SSH Keys\n\nssh-ed25519 {2}SHA256:\S+ {2}ada@laptop\n$/)
    await terminal.succeed(['keys:remove', 'ada@laptop'])
    expect(await terminal.paas(['keys'])).toEqual({ code: 0, stdout: '', stderr: 'You have no SSH keys.\n' })
    expect((await terminal.paas(['keys:remove', 'ada@laptop'])).stderr).toContain('There is no key "ada@laptop"')
    expect((await terminal.paas(['keys:add', '/etc/hostname'])).stderr).toContain('has an unsupported type')
  })
})

describe('an app', () => {
  it('is offered, declined, offered again, taken back and accepted', async () => {
    await terminal.succeed(['create', 'offered'])
    const grace = newcomer('grace@example.com')
    const offer = ['apps:transfer', 'grace@example.com', '-a', 'offered']
    expect((await terminal.paas(offer)).stderr).toBe(
      'Offering offered to grace@example.com... done\nThey accept with: paas transfers:accept offered   Undo with: paas transfers:cancel offered\n',
    )
    expect(await terminal.succeed(['transfers'], grace)).toBe(
      '=== Transfers\n\noffered  admin@example.com -> grace@example.com  pending\n',
    )
    await terminal.succeed(['transfers:decline', 'offered'], grace)
    expect((await terminal.paas(['transfers:accept', 'offered'], grace)).stderr).toContain('it was declined')
    await terminal.succeed(offer)
    await terminal.succeed(['transfers:cancel', 'offered'])
    await terminal.succeed(offer)
    await terminal.succeed(['transfers:accept', 'offered'], grace)
    expect(await terminal.succeed(['info', '-a', 'offered'], grace)).toMatch(/Owner: +grace@example.com/)
  })

  it('has features that are turned on and off', async () => {
    await terminal.succeed(['create', 'featured'])
    const app = ['-a', 'featured']
    const on = await terminal.paas(['features:enable', 'runtime-dyno-metadata', ...app])
    expect(on.stderr).toBe(
      'Turning runtime-dyno-metadata on for featured... done\nUndo with: paas features:disable runtime-dyno-metadata -a featured\n',
    )
    expect(await terminal.succeed(['features', ...app])).toMatch(
      /\n\[\+\] {2}preboot .*\n\[\+\] {2}runtime-dyno-metadata /,
    )
    await terminal.succeed(['features:disable', 'runtime-dyno-metadata', ...app])
    expect(await terminal.succeed(['features', ...app])).toMatch(/\n\[ \] {2}runtime-dyno-metadata /)
    expect((await terminal.paas(['features:enable', 'magic', ...app])).stderr).toContain('There is no feature "magic"')
  })
})
