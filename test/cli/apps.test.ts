import { readFileSync, statSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command, runProgram, TestTerminal } from './terminal.ts'

let terminal: TestTerminal

beforeAll(async () => {
  terminal = await TestTerminal.start()
})
afterAll(() => terminal[Symbol.asyncDispose]())

describe('logging in', () => {
  it('says who one is', async () => {
    expect(await terminal.paas(['whoami'])).toEqual({ code: 0, stdout: 'admin@example.com\n', stderr: '' })
  })

  it('takes an email and a password, keeps a token in a file of the user alone, and revokes it at logout', async () => {
    const env = { HOME: `${terminal.home}/second` }
    const input = 'admin@example.com\ncorrect horse\n'
    const login = await terminal.paas(['login', terminal.url], { input, env })
    expect(login).toMatchObject({ code: 0, stdout: '' })
    expect(login.stderr).toContain(`Logged in to ${terminal.url} as admin@example.com.`)
    const file = `${env.HOME}/.config/paas/credentials.json`
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const { token } = JSON.parse(readFileSync(file, 'utf8')).servers[terminal.url]
    expect((await terminal.api.call('GET', '/account', { token })).status).toBe(200)
    expect((await terminal.paas(['logout'], { env })).code).toBe(0)
    expect((await terminal.api.call('GET', '/account', { token })).status).toBe(401)
    expect(await terminal.paas(['whoami'], { env })).toMatchObject({ code: 1, stdout: '' })
  })

  it('takes a token from stdin', async () => {
    const env = { HOME: `${terminal.home}/third` }
    const { token } = terminal.api.stranger('third@example.com')
    expect((await terminal.paas(['login', '--token', terminal.url], { input: `${token}\n`, env })).code).toBe(0)
    expect(await terminal.succeed(['whoami'], { env })).toBe('third@example.com\n')
  })

  it('keeps nothing of a wrong password or token, and says so in one line', async () => {
    const env = { HOME: `${terminal.home}/fourth` }
    const wrong = await terminal.paas(['login', terminal.url], { input: 'admin@example.com\nwrong\n', env })
    expect(wrong.code).toBe(1)
    expect(wrong.stderr).toMatch(/ ! {4}The email or the password is wrong\..*\n$/)
    expect((await terminal.paas(['login', '--token', terminal.url], { input: 'nonsense\n', env })).code).toBe(1)
    expect((await terminal.paas(['whoami'], { env })).stderr).toContain('You are not logged in')
  })

  it('is not needed with PAAS_URL and PAAS_TOKEN', async () => {
    const { token } = terminal.api.stranger('ci@example.com')
    const env = { HOME: '/nonexistent', PAAS_URL: terminal.url, PAAS_TOKEN: token }
    expect(await terminal.succeed(['whoami'], { env })).toBe('ci@example.com\n')
  })

  it('explains a server that is not there, and a URL that is none', async () => {
    const nowhere = await terminal.paas(['apps'], { env: { PAAS_URL: 'http://localhost:1', PAAS_TOKEN: 'x' } })
    expect(nowhere).toMatchObject({ code: 1, stdout: '' })
    expect(nowhere.stderr).toBe(
      ' !    Cannot reach the server http://localhost:1: nothing listens there. Is it running? See PAAS_URL and: paas login\n',
    )
    const wrong = await terminal.paas(['apps'], { env: { PAAS_URL: 'http://[', PAAS_TOKEN: 'x' } })
    expect(wrong.stderr).toContain('PAAS_URL is "http://["; it must be the URL of a server')
  })
})

describe('an app', () => {
  it('is made, listed, shown, renamed and destroyed', async () => {
    const create = await terminal.paas(['create', 'acme'])
    expect(create.code).toBe(0)
    expect(create.stdout).toMatch(/^http:\/\/acme\.localhost\S* \| http:\/\/localhost:\d+\/acme\.git\n$/)
    expect(create.stderr).toBe(
      "Creating app... done, acme\nNo git repository here. In the app's repository run: paas git:remote -a acme\n",
    )
    expect(await terminal.succeed(['apps'])).toMatch(/^acme {2}http:\/\/acme\.localhost/m)
    expect(await terminal.succeed(['info', '-a', 'acme'])).toMatch(
      /^=== acme\n[^]*Owner: +admin@example.com[^]*Dynos: +none[^]*Protocol: +http1/,
    )
    await terminal.succeed(['protocol', 'h2c', '-a', 'acme'])
    expect(await terminal.succeed(['info', '-a', 'acme'])).toMatch(/^Protocol: +h2c$/m)
    expect(JSON.parse(await terminal.succeed(['info', '-a', 'acme', '--json']))).toMatchObject({ protocol: 'h2c' })
    const rename = await terminal.paas(['rename', 'acme-shop', '-a', 'acme'])
    expect(rename.stderr).toContain('Undo with: paas rename acme -a acme-shop')
    expect(await terminal.succeed(['destroy', 'acme-shop', '--confirm', 'acme-shop'])).toBe('')
    expect((await terminal.paas(['info', 'acme-shop'])).stderr).toMatch(/ ! {4}There is no app "acme-shop"/)
  })

  it('is destroyed only when its name is given once more', async () => {
    await terminal.succeed(['create', 'precious'])
    for (const words of [['precious'], ['-a', 'precious'], ['precious', '--confirm', 'precius']]) {
      const { code, stderr } = await terminal.paas(['destroy', ...words])
      expect(code).toBe(1)
      expect(stderr).toContain('Confirm with: paas destroy -a precious --confirm precious')
    }
    expect((await terminal.paas(['destroy', 'precious', '-a', 'other'])).stderr).toContain(
      'Which app, precious or other?',
    )
    expect((await terminal.paas(['info', 'precious'])).code).toBe(0)
  })

  it('is given as JSON on stdout, progress being on stderr', async () => {
    const { stdout, stderr } = await terminal.paas(['create', 'as-json', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ name: 'as-json', stack: { name: 'debian-13' } })
    expect(stderr).toContain('Creating app... done')
  })

  it('must be named when there is no repository that names it', async () => {
    const { code, stderr } = await terminal.paas(['ps'])
    expect(code).toBe(1)
    expect(stderr).toBe(
      ' !    Which app? There is no git remote "paas" of an app here. Name it with -a NAME, or connect this repository with: paas git:remote -a NAME\n',
    )
  })

  it('of a name that is taken or not allowed is refused with the reason', async () => {
    await terminal.succeed(['create', 'taken'])
    expect((await terminal.paas(['create', 'taken'])).stderr).toMatch(/ ! {4}.*taken/)
    expect(await terminal.paas(['create', 'No_Name'])).toMatchObject({ code: 1, stdout: '' })
  })
})

describe('config vars', () => {
  it('are set, shown and unset, and their values appear only where one asks for them', async () => {
    await terminal.succeed(['create', 'configured'])
    const app = ['-a', 'configured']
    const set = await terminal.paas(['config:set', 'GREETING=hello world', 'KEY=s3cret=', ...app])
    expect(set).toMatchObject({ code: 0, stdout: '' })
    expect(set.stderr).toContain('Setting GREETING, KEY of configured... done')
    expect(set.stderr).toContain('as v2... done')
    expect(set.stderr).not.toContain('s3cret')
    expect(await terminal.succeed(['config', ...app])).toBe(
      '=== configured Config Vars\n\nGREETING: hello world\nKEY:      s3cret=\n',
    )
    expect(await terminal.succeed(['config', '--shell', ...app])).toBe("GREETING='hello world'\nKEY=s3cret=\n")
    expect(await terminal.succeed(['config:get', 'KEY', ...app])).toBe('s3cret=\n')
    expect((await terminal.paas(['config:set', 'KEY=s3cret=', ...app])).stderr).toContain('Nothing changed')
    expect((await terminal.paas(['config:unset', 'KEY', ...app])).stderr).toContain(
      'Undo with: paas rollback v2 -a configured',
    )
    expect(await terminal.paas(['config:get', 'KEY', ...app])).toMatchObject({ code: 1, stdout: '' })
    expect((await terminal.paas(['config:unset', 'KEY', ...app])).stderr).toContain('configured has no config var KEY.')
  })

  it('are read from stdin with KEY=-', async () => {
    await terminal.succeed(['create', 'piped'])
    await terminal.succeed(['config:set', 'CERT=-', '-a', 'piped'], { input: 'line one\nline two\n' })
    expect(await terminal.succeed(['config:get', 'CERT', '-a', 'piped'])).toBe('line one\nline two\n')
    expect(await terminal.succeed(['config', '-a', 'piped'])).toContain(String.raw`line one\nline two`)
  })

  it('that are not KEY=VALUE, or not allowed, are refused and nothing is changed', async () => {
    await terminal.succeed(['create', 'strict'])
    expect((await terminal.paas(['config:set', 'NOVALUE', '-a', 'strict'])).stderr).toContain(
      '"NOVALUE" is not KEY=VALUE.',
    )
    expect((await terminal.paas(['config:set', 'A=1', 'no-key=2', '-a', 'strict'])).code).toBe(1)
    expect(await terminal.succeed(['config', '-a', 'strict'])).toBe('strict has no config vars.\n')
  })
})

describe('an app that was never pushed', () => {
  it('has no dynos, builds or types, and the command says what to do', async () => {
    await terminal.succeed(['create', 'blank'])
    const app = ['-a', 'blank']
    expect((await terminal.paas(['ps', ...app])).stderr).toBe(
      'blank has no dynos: it has no code yet. Deploy it: git push paas main\n',
    )
    expect((await terminal.paas(['builds', ...app])).stderr).toContain('blank has no builds.')
    expect(await terminal.paas(['builds:output', ...app])).toMatchObject({ code: 1, stdout: '' })
    expect((await terminal.paas(['builds:create', ...app])).stderr).toContain('Push first: git push paas main')
    expect((await terminal.paas(['builds:cancel', ...app])).stderr).toContain('blank has no running or waiting build.')
    expect((await terminal.paas(['ps:scale', 'web=2', ...app])).stderr).toContain(
      'It applies from the first deploy on.',
    )
    expect((await terminal.paas(['ps', ...app])).stderr).toContain('it has no code yet.')
    expect((await terminal.paas(['ps:scale', 'web', ...app])).stderr).toContain('"web" is not TYPE=QUANTITY.')
    expect((await terminal.paas(['rollback', ...app])).stderr).toContain('blank has no earlier release to go back to.')
  })

  it('that is being deployed, or could not be, says so instead of showing dynos', async () => {
    await terminal.succeed(['create', 'tried'])
    const { apps, builds } = terminal.api.store
    const { id: appId, ownerId: accountId } = apps.find('tried')!
    const asked = { appId, accountId, ref: null, previousCommit: null, noCache: false, detached: false }
    const { build } = builds.create({ ...asked, commit: 'a'.repeat(40) })
    const ps = async () => (await terminal.paas(['ps', '-a', 'tried'])).stderr
    expect(await ps()).toContain('its first deploy is running. Follow it with: paas builds:output -a tried')
    builds.claim(build.id)
    builds.finish(build.id, 1, { kind: 'failed', finishedAt: new Date(), code: 'build_failed', reason: 'no package' })
    expect(await ps()).toContain('its last deploy failed (no package). See: paas builds:output -a tried')
    builds.requestCancel(builds.create({ ...asked, commit: 'b'.repeat(40) }).build.id)
    expect(await ps()).toContain('its last deploy did not finish. Push again: git push paas main')
  })

  it('shows its first release', async () => {
    await terminal.succeed(['create', 'fresh'])
    const app = ['-a', 'fresh']
    expect(await terminal.succeed(['releases', ...app])).toMatch(
      /^=== fresh Releases - Current: v1\n\nv1 {2}Initial release {2}admin@/,
    )
    expect(await terminal.succeed(['releases:info', 'v1', ...app])).toContain('Initial release')
    expect((await terminal.paas(['releases:info', 'one', ...app])).stderr).toContain('"one" is not a version.')
  })

  it('says which of its releases were superseded, and by which', async () => {
    await terminal.succeed(['create', 'overtaken'])
    await terminal.succeed(['config:set', 'A=1', '--no-wait', '-a', 'overtaken'])
    const { apps, releases } = terminal.api.store
    const { id: appId, ownerId: accountId } = apps.find('overtaken')!
    const made = { appId, accountId, slugId: null, config: {}, description: 'Set B config vars' }
    releases.setState(releases.create(made).id, { kind: 'superseded', by: 4 })
    expect(await terminal.succeed(['releases', '-a', 'overtaken'])).toContain('Set B config vars (superseded by v4)')
  })

  it('turns maintenance mode on and off', async () => {
    await terminal.succeed(['create', 'resting'])
    await terminal.succeed(['maintenance:on', '-a', 'resting'])
    expect(await terminal.succeed(['maintenance', '-a', 'resting'])).toBe('on\n')
    await terminal.succeed(['maintenance:off', '-a', 'resting'])
    expect(await terminal.succeed(['maintenance', '-a', 'resting'])).toBe('off\n')
  })
})

describe('accounts and tokens', () => {
  it('are made and revoked', async () => {
    const password = (await terminal.succeed(['accounts:create', 'ada@example.com'])).trim()
    const env = { HOME: `${terminal.home}/ada` }
    await terminal.succeed(['login', terminal.url], { input: `ada@example.com\n${password}\n`, env })
    const token = (await terminal.succeed(['tokens:create', '-d', 'CI'], { env })).trim()
    const asCi = { env: { HOME: '/nonexistent', PAAS_URL: terminal.url, PAAS_TOKEN: token } }
    expect(await terminal.succeed(['whoami'], asCi)).toBe('ada@example.com\n')
    const listed = await terminal.succeed(['tokens'], { env })
    expect(listed).not.toContain(token)
    const id = /^(\S+) {2}CI/m.exec(listed)?.[1] ?? ''
    await terminal.succeed(['tokens:revoke', id], { env })
    expect((await terminal.paas(['whoami'], asCi)).stderr).toContain('The token is not valid')
    expect((await terminal.paas(['accounts:create', 'eve@example.com'], { env })).stderr).toContain('Only an admin')
  })
})

describe('a command line with a mistake', () => {
  it.each([
    [['confg'], /Did you mean config\?/],
    [['config:st', 'A=1'], /Did you mean config:set\?/],
    [['config', '--jsn'], /Unknown option '--jsn'.*--json/],
    [['config:get'], /Missing required argument 'key'/],
    [['releases', '-n', 'many', '-a', 'x'], /--num is "many"; it must be 1 to 999/],
    [['logs', '-n', '1501', '-a', 'x'], /--num is "1501"; it must be 1 to 1500/],
  ])('%j is one line on stderr and exits with 1', async (argv, message) => {
    const { code, stdout, stderr } = await terminal.paas(argv)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr.trimEnd().split('\n').length).toBe(1)
  })
})

describe('a table', () => {
  /** The lines as a terminal of that many columns gets them. */
  async function releasesAt(columns: number): Promise<string[]> {
    const shell = ['-qec', `stty cols ${columns}; ${command} releases -a wide`, '/dev/null']
    const { stdout } = await runProgram('script', shell, { env: terminal.env })
    return stripVTControlCharacters(stdout)
      .split('\r\n')
      .filter((line) => /^v\d/.test(line))
  }

  it('fits the terminal, each column still showing its beginning', async () => {
    await terminal.succeed(['create', 'wide'])
    const keys = Array.from({ length: 9 }, (_, at) => `A_LONG_NAME_${at}=1`)
    await terminal.succeed(['config:set', '--no-wait', ...keys, '-a', 'wide'])
    expect((await releasesAt(250))[0]).toMatch(/^v2 {2}Set .*A_LONG_NAME_8 config vars .*ago\)$/)
    const narrow = await releasesAt(60)
    expect(narrow.map((line) => line.length <= 60)).toEqual([true, true])
    expect(narrow[0]).toMatch(/^v2 {2}Set A_LONG_.*… {2}admin@exam.* {2}20\d\d\//)
  })

  it('is not cut where no terminal is', async () => {
    const { stdout } = await terminal.paas(['releases', '-a', 'wide'], { env: { COLUMNS: '40' } })
    expect(stdout).toMatch(/^v2 {2}Set .*A_LONG_NAME_8 config vars .*ago\)$/m)
  })
})
