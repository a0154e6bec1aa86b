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
    [['access:add', 'admin@example.com'], /admin@example.com owns mine\. Give it to somebody else/],
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
