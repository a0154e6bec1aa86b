import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testAuthority, type TestAuthority } from '../helpers/certificates.ts'
import { TestTerminal } from './terminal.ts'

let terminal: TestTerminal
let authority: TestAuthority

beforeAll(async () => {
  authority = await testAuthority()
  terminal = await TestTerminal.start()
})
afterAll(() => terminal[Symbol.asyncDispose]())

/** Files in the home directory, where the command runs. */
async function writeCertificate(name: string, hosts: string[]): Promise<[string, string]> {
  const { certificate, key } = await authority.issue(hosts)
  writeFileSync(join(terminal.home, `${name}.pem`), certificate)
  writeFileSync(join(terminal.home, `${name}.key`), key)
  return [`${name}.pem`, `${name}.key`]
}

describe('domains and certificates', () => {
  it('are added, listed, shown, changed and removed', async () => {
    await terminal.succeed(['create', 'acme'])
    const app = ['-a', 'acme']
    const added = await terminal.paas(['domains:add', 'WWW.acme.example', ...app])
    expect(added).toEqual({
      code: 0,
      stdout: 'acme.localhost\n',
      stderr:
        'Adding WWW.acme.example to acme... done\nPoint its DNS here: CNAME to acme.localhost\n' +
        'Undo with: paas domains:remove www.acme.example -a acme\n',
    })
    const files = await writeCertificate('first', ['www.acme.example'])
    const made = await terminal.paas(['certs:add', ...files, ...app])
    expect(made.stderr).toContain('It is used for www.acme.example.')
    expect(made.stdout).toMatch(/^Common name\(s\): www\.acme\.example$/m)
    expect(made.stdout).toMatch(/^Expires: +\d{4}-\d\d-\d\d \(in \d+ days\)$/m)
    const name = /^Name: +(\S+)$/m.exec(made.stdout)![1]!
    expect(await terminal.succeed(['domains', ...app])).toBe(
      `=== acme Domain\n\nacme.localhost\n\n=== acme Custom Domains\n\nwww.acme.example  acme.localhost  ${name}\n`,
    )
    expect(await terminal.succeed(['certs', ...app])).toMatch(
      new RegExp(`^=== acme Certificates\n\n${name}  www\\.acme`),
    )
    expect(await terminal.succeed(['domains:info', 'www.acme.example', ...app])).toContain(`Certificate: ${name}\n`)
    expect(await terminal.succeed(['certs:info', ...app])).toContain(name)
    await terminal.succeed(['domains:wait', 'www.acme.example', ...app])
    const more = await writeCertificate('second', ['www.acme.example', 'too.acme.example'])
    const updated = await terminal.succeed(['certs:update', ...more, '--confirm', 'acme', ...app])
    expect(updated).toContain('www.acme.example, too.acme.example')
    await terminal.succeed(['certs:remove', '--confirm', 'acme', ...app])
    expect(await terminal.succeed(['certs', ...app])).toBe('acme has no certificates.\n')
    await terminal.succeed(['domains:remove', 'www.acme.example', ...app])
    expect(await terminal.succeed(['domains', ...app])).toBe('=== acme Domain\n\nacme.localhost\n')
  })

  it('are chosen for each other, and all removed at once', async () => {
    await terminal.succeed(['create', 'picker'])
    const app = ['-a', 'picker']
    const json = await terminal.succeed([
      'certs:add',
      ...(await writeCertificate('wild', ['*.picker.example'])),
      '--json',
      ...app,
    ])
    const { name } = JSON.parse(json) as { name: string }
    await terminal.succeed(['domains:add', 'a.picker.example', '--cert', name, ...app])
    await terminal.succeed(['domains:update', 'a.picker.example', '--cert', name, ...app])
    await terminal.succeed(['domains:add', '*.picker.example', ...app])
    await terminal.succeed(['domains:clear', '--confirm', 'picker', ...app])
    expect(JSON.parse(await terminal.succeed(['domains', '--json', ...app]))).toHaveLength(1)
  })

  it.each([
    [['domains:add', 'nodot'], /The domain "nodot" needs a dot: a name such as www\.example\.com/],
    [['domains:add', 'x.example', '--cert', 'none'], /failing has no certificate "none"/],
    [['domains:remove', 'gone.example'], /failing has no domain "gone\.example"/],
    [['domains:clear'], /This removes 0 domains from failing\. Nothing was done/],
    [['certs:info'], /failing has no certificates/],
    [['certs:add', 'none.pem', 'none.key'], /none\.pem cannot be read: ENOENT/],
    [['certs:add', 'first.pem', 'second.key'], /The private key does not belong/],
  ])('are not %j', async (argv, message) => {
    await terminal.paas(['create', 'failing'])
    const { code, stdout, stderr } = await terminal.paas([...argv, '-a', 'failing'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(message)
  })
})
