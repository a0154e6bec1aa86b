import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { credentialsPath, readCredentials, saveLogin } from '../../src/credentials.ts'
import { chooseServer, parseServerUrl } from '../../src/cli/server.ts'
import { formatAge, formatTimeAndAge } from '../../src/cli/time.ts'
import { run } from '../helpers/repository.ts'

const command = resolve(import.meta.dirname, '../../bin/paas')
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paas-command-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

describe('bin/paas', () => {
  it('finds its checkout through links, relative ones too, and from any directory', async () => {
    await mkdir(join(directory, 'deep'))
    await symlink(command, join(directory, 'first'))
    await symlink('../first', join(directory, 'deep/paas'))
    expect(await run(join(directory, 'deep/paas'), ['--version'], { cwd: '/' })).toEqual({
      code: 0,
      output: 'paas 0.1.0\n',
    })
    expect((await run('sh', ['paas', '--version'], { cwd: join(directory, 'deep') })).code).toBe(0)
    expect((await run('paas', ['--version'], { env: { PATH: `${directory}/deep:${process.env['PATH']}` } })).code).toBe(
      0,
    )
  })

  it('says what to do before the set-up', async () => {
    await mkdir(join(directory, 'bare/bin'), { recursive: true })
    await cp(command, join(directory, 'bare/bin/paas'))
    const { code, output } = await run(join(directory, 'bare/bin/paas'), ['apps'])
    expect({ code, output }).toEqual({
      code: 1,
      output: ` !    paas is not set up yet: run npm start in ${directory}/bare first.\n`,
    })
  })

  it('runs without any environment', async () => {
    expect(await run(command, ['--version'], { env: {} })).toMatchObject({ code: 0 })
  })

  it('is content when its reader has enough, and fails when the disk is full', async () => {
    expect(await run('bash', ['-o', 'pipefail', '-c', `${command} help | head -n 1`])).toMatchObject({ code: 0 })
    const full = await run('sh', ['-c', `${command} help > /dev/full`])
    expect(full).toMatchObject({ code: 1, output: expect.stringContaining('The output cannot be written: ENOSPC') })
  })

  it('does not show a password as it is typed', async () => {
    const child = spawn('script', ['-qec', `${command} login`, '/dev/null'], {
      env: { ...process.env, HOME: directory },
    })
    const answers = ['http://localhost:1\r', 'me@example.com\r', 'hunter2\r']
    let shown = ''
    child.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString()
      if (shown.endsWith(': ')) child.stdin.write(answers.shift() ?? '')
    })
    await new Promise((ended) => child.on('close', ended))
    expect(shown).toContain('Cannot reach the server http://localhost:1')
    expect(shown).toContain('me@example.com')
    expect(shown).not.toContain('hunter2')
  })
})

describe('credentials', () => {
  it('are kept for several servers, the last login being the default', () => {
    const path = join(directory, 'several/credentials.json')
    saveLogin('http://one', { token: 'a', email: 'a@x' }, path)
    saveLogin('http://two', { token: 'b', email: 'b@x' }, path)
    expect(readCredentials(path)).toEqual({
      servers: { 'http://one': { token: 'a', email: 'a@x' }, 'http://two': { token: 'b', email: 'b@x' } },
      default: 'http://two',
    })
  })

  it('that are damaged are named, and not quoted', async () => {
    const path = join(directory, 'damaged.json')
    await writeFile(path, '{"servers": {"http://x": {"token": "s3cret"')
    expect(() => readCredentials(path)).toThrow(`${path} cannot be read: it is not JSON.`)
    await writeFile(path, '["s3cret"]')
    expect(() => readCredentials(path)).toThrow(`${path} is not a credentials file of paas.`)
  })

  it('lie where the XDG base directories have them', () => {
    expect(credentialsPath({ HOME: '/home/ada' })).toBe('/home/ada/.config/paas/credentials.json')
    expect(credentialsPath({ HOME: '/home/ada', XDG_CONFIG_HOME: '/etc/x' })).toBe('/etc/x/paas/credentials.json')
  })
})

describe('the URL of a server', () => {
  it.each([
    ['localhost:8080', 'http://localhost:8080'],
    ['acme.localhost', 'http://acme.localhost'],
    ['paas.example.com', 'https://paas.example.com'],
    ['http://Paas.Example.com:80/apps/', 'http://paas.example.com'],
    ['https://user:pass@paas.example.com', 'https://paas.example.com'],
  ])('%s is %s', (text, url) => {
    expect(parseServerUrl(text, 'The server')).toBe(url)
  })

  it.each(['', 'http://', 'ftp://x', 'http://a b'])('"%s" is refused', (text) => {
    expect(() => parseServerUrl(text, 'The server')).toThrow(`The server is "${text}"; it must be the URL of a server`)
  })

  it('comes from PAAS_URL before all else', () => {
    expect(chooseServer('http://remote', { PAAS_URL: 'http://env', PAAS_TOKEN: 't' })).toEqual({
      url: 'http://env',
      token: 't',
    })
  })
})

describe('times', () => {
  it('are shown with their age', () => {
    const now = new Date('2026-11-22T12:00:00Z')
    expect(formatTimeAndAge('2026-11-22T11:30:31Z', now)).toMatch(
      /^2026\/11\/2[123] \d\d:\d\d:31 [+-]\d{4} \(~ 29m ago\)$/,
    )
    expect([-5, 59_999, 60_000, 3_600_000, 86_400_000 * 9].map(formatAge)).toEqual(['0s', '59s', '1m', '1h', '9d'])
  })
})
