import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestRepository } from '../helpers/repository.ts'
import { runProgram, TestTerminal, type Said } from './terminal.ts'

const execute = promisify(execFile)
const checkout = resolve(import.meta.dirname, '../..')
const npm = join(checkout, 'node_modules/.bin/npm')

let terminal: TestTerminal
let directory: string
let made: string

/** A developer's machine that has Node, and from us nothing but the package. */
beforeAll(async () => {
  terminal = await TestTerminal.start()
  directory = await mkdtemp(join(tmpdir(), 'paas-package-'))
  const pack = await execute(process.execPath, [join(checkout, 'bin/pack.ts'), directory])
  made = pack.stdout.trim()
  await execute(npm, ['install', '--global', '--prefix', join(directory, 'usr'), '--offline', made], { cwd: directory })
})
afterAll(async () => {
  await terminal[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

function paas(argv: string[], cwd = terminal.home): Promise<Said> {
  return runProgram(join(directory, 'usr/bin/paas'), argv, { cwd, env: terminal.env })
}

describe('the package of the command', () => {
  it('has JavaScript of the command and of the nouns it shares, and nothing of the server', async () => {
    const { stdout } = await execute('tar', ['--list', '--gzip', '--file', made])
    const files = stdout.trim().split('\n')
    const own = files.filter((file) => !/^package\/node_modules\/(commander|uqr)\//.test(file))
    expect(own).toContain('package/dist/cli/main.js')
    expect(own.filter((file) => !/^package\/(LICENSE|README\.md|(bin\/)?package\.json|bin\/paas)$/.test(file))).toEqual(
      own.filter((file) =>
        /^package\/dist\/(cli\/[\w/-]+\.(js|cjs|bash|zsh|fish)|model\/[\w-]+\.js|(errors|errors-catalogue|credentials|qr)\.js)$/.test(
          file,
        ),
      ),
    )
  })

  it('is installed without fetching anything else, and says its version', async () => {
    expect(await paas(['--version'])).toEqual({ code: 0, stdout: 'paas 0.1.0\n', stderr: '' })
  })

  it('runs with nothing in its environment but where programs are', async () => {
    const env = { PATH: process.env['PATH'] ?? '' }
    const said = await runProgram(join(directory, 'usr/bin/paas'), ['--version'], { env })
    expect(said).toEqual({ code: 0, stdout: 'paas 0.1.0\n', stderr: '' })
    const { stderr } = await runProgram(join(directory, 'usr/bin/paas'), ['nonsense'], { env })
    expect(stderr).toBe(" !    Unknown command 'nonsense'. See: paas help\n")
  })

  it('has all commands but the one that runs a server', async () => {
    const { stdout } = await paas(['help'])
    expect(stdout).toMatch(/^ {2}config:set /m)
    expect(stdout).not.toMatch(/^ {2}server /m)
  })

  it('speaks to a server', async () => {
    await terminal.succeed(['create', 'acme'])
    expect((await paas(['apps'])).stdout).toMatch(/^acme /)
    expect((await paas(['info', '-a', 'nobody'])).stderr).toContain('There is no app "nobody".')
  })

  it('is what git asks for the password of an app that it made', async () => {
    await using repository = await TestRepository.empty()
    expect(await paas(['create', 'packed'], repository.path)).toMatchObject({ code: 0 })
    const fill = await runProgram('git', ['credential', 'fill'], {
      cwd: repository.path,
      env: terminal.env,
      input: `url=${terminal.url}/packed.git\n\n`,
    })
    expect(fill.stdout).toContain(`username=paas\npassword=${terminal.api.token}\n`)
  })

  it('has the guard that heroku:env loads', async () => {
    const { stdout } = await paas(['heroku:env', '--json'])
    const { NODE_OPTIONS: options } = JSON.parse(stdout) as { NODE_OPTIONS: string }
    expect(await runProgram('node', ['-p', '1'], { env: { ...terminal.env, NODE_OPTIONS: options } })).toEqual({
      code: 0,
      stdout: '1\n',
      stderr: '',
    })
  })
})
