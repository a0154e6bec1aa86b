import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseRemote } from '../../src/cli/repository.ts'
import { run, TestRepository } from '../helpers/repository.ts'
import { TestTerminal } from './terminal.ts'

let terminal: TestTerminal

beforeAll(async () => {
  terminal = await TestTerminal.start()
})
afterAll(() => terminal[Symbol.asyncDispose]())

/** What git would send as user name and password for this URL, as a user whose git has a helper of its own. */
async function credentials(repository: TestRepository, url: string): Promise<string> {
  const attributes = `url=${url}\n\n`
  const fill = ['-c', `printf '${attributes.replaceAll('\n', String.raw`\n`)}' | git credential fill`]
  return (await run('sh', fill, { cwd: repository.path, env: terminal.env })).output
}

describe('creating an app in a repository', () => {
  it('adds the remote and lets git get its password from the command', async () => {
    await using repository = await TestRepository.empty()
    const { code, stderr } = await terminal.paas(['create', 'acme'], { cwd: repository.path })
    expect(code).toBe(0)
    expect(stderr).toContain('The git remote "paas" points to it. Deploy with: git push paas HEAD:main')
    expect((await repository.git('remote', 'get-url', 'paas')).output.trim()).toBe(`${terminal.url}/acme.git`)
    const filled = await credentials(repository, `${terminal.url}/acme.git`)
    expect(filled).toContain(`username=paas\npassword=${terminal.api.token}\n`)
  })

  it('says that one with SHA-256 cannot be pushed', async () => {
    await using repository = await TestRepository.empty()
    await run('sh', ['-c', 'rm -rf .git && git init --quiet --object-format=sha256'], { cwd: repository.path })
    for (const argv of [
      ['create', 'sha256'],
      ['git:remote', '-a', 'sha256'],
    ]) {
      const { stderr } = await terminal.paas(argv, { cwd: repository.path })
      expect(stderr).toMatch(
        /it uses SHA-256, and the server accepts SHA-1\. Create one with: git init --object-format=sha1/,
      )
    }
  })

  it('lets the other commands know the app, from any directory of it', async () => {
    await using repository = await TestRepository.empty()
    await terminal.succeed(['create', 'known'], { cwd: repository.path })
    await repository.write('deep/down/file', '')
    expect(await terminal.succeed(['info'], { cwd: `${repository.path}/deep/down` })).toContain('=== known')
  })

  it('keeps the token from other helpers and other servers', async () => {
    await using repository = await TestRepository.empty()
    const kept = `${repository.path}/.git/kept`
    await repository.git('config', 'credential.helper', `store --file=${kept}`)
    await terminal.succeed(['create', 'private'], { cwd: repository.path })
    const filled = await credentials(repository, `${terminal.url}/private.git`)
    const approve = `printf '${filled.replaceAll('\n', String.raw`\n`)}' | git credential approve && ls .git/kept`
    expect((await run('sh', ['-c', approve], { cwd: repository.path, env: terminal.env })).code).not.toBe(0)
    expect(await credentials(repository, 'http://localhost:1/private.git')).not.toContain('password=')
  })

  it('leaves a remote of that name alone, and says how to change it', async () => {
    await using repository = await TestRepository.empty()
    await terminal.succeed(['create', 'first'], { cwd: repository.path })
    const second = await terminal.paas(['create', 'second'], { cwd: repository.path })
    expect(second.code).toBe(0)
    expect(second.stderr).toContain('points to first and was not changed. Change it with: paas git:remote -a second')
    await terminal.succeed(['git:remote', '-a', 'second'], { cwd: repository.path })
    expect((await repository.git('remote', 'get-url', 'paas')).output.trim()).toBe(`${terminal.url}/second.git`)
    await terminal.succeed(['git:remote', '-a', 'first', '-r', 'staging'], { cwd: repository.path })
    expect(await terminal.succeed(['info', '-r', 'staging'], { cwd: repository.path })).toContain('=== first')
  })

  it('follows a rename and forgets what was destroyed', async () => {
    await using repository = await TestRepository.empty()
    await terminal.succeed(['create', 'before'], { cwd: repository.path })
    await terminal.succeed(['rename', 'after'], { cwd: repository.path })
    expect(await terminal.succeed(['info'], { cwd: repository.path })).toContain('=== after')
    await terminal.succeed(['destroy', '--confirm', 'after'], { cwd: repository.path })
    expect((await repository.git('remote')).output).toBe('')
  })

  it('outside a repository refuses only what needs one', async () => {
    const { code, stderr } = await terminal.paas(['git:remote', '-a', 'acme'])
    expect(code).toBe(1)
    expect(stderr).toContain('There is no git repository in the current directory. Create one with: git init')
  })
})

describe('a token from the environment', () => {
  it('is never sent to a server that only a repository names', async () => {
    await using repository = await TestRepository.empty()
    await repository.git('remote', 'add', 'paas', 'http://localhost:1/acme.git')
    const { stderr } = await terminal.paas(['info'], { cwd: repository.path, env: { PAAS_TOKEN: 'secret' } })
    expect(stderr).toContain('You are not logged in to http://localhost:1.')
  })

  it('is what git gets for the server of PAAS_URL', async () => {
    const env = { HOME: '/nonexistent', PAAS_URL: 'http://ci.localhost:9', PAAS_TOKEN: 'secret' }
    const ask = (host: string) =>
      terminal.succeed(['git:credentials', 'get'], { input: `protocol=http\nhost=${host}\n`, env })
    expect(await ask('ci.localhost:9')).toBe('username=paas\npassword=secret\n')
    expect(await ask('localhost:9')).toBe('')
    expect(
      await terminal.succeed(['git:credentials', 'store'], { input: 'protocol=http\nhost=x\npassword=y\n', env }),
    ).toBe('')
  })
})

describe('a git remote', () => {
  it.each([
    ['http://localhost:8080/acme.git', { server: 'http://localhost:8080', app: 'acme' }],
    ['https://paas.example.com/acme', { server: 'https://paas.example.com', app: 'acme' }],
    ['https://git:secret@paas.example.com/acme.git/', { server: 'https://paas.example.com', app: 'acme' }],
  ])('%s leads to an app', (url, expected) => {
    expect(parseRemote(url)).toEqual(expected)
  })

  it.each(['git@github.com:ada/acme.git', 'https://github.com/ada/acme.git', '/srv/acme.git', 'http:///acme.git', ''])(
    '%s does not',
    (url) => {
      expect(parseRemote(url)).toBeUndefined()
    },
  )
})
