import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const fixtures = resolve(import.meta.dirname, '../fixtures/apps')

/** What a finished git (or any other) process left: its exit code and what a user would have seen. */
export type Outcome = { code: number; output: string }

/** A developer's own repository in a temporary directory, driven with the real git client. */
export class TestRepository implements AsyncDisposable {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** A repository on branch main whose first commit is a copy of the fixture app of that name. */
  static async fromFixture(name: string): Promise<TestRepository> {
    const repository = await TestRepository.empty()
    await cp(join(fixtures, name), repository.path, { recursive: true })
    await repository.commit('First version')
    return repository
  }

  static async empty(): Promise<TestRepository> {
    const repository = new TestRepository(await mkdtemp(join(tmpdir(), 'paas-repository-')))
    await repository.git('init', '--quiet', '--initial-branch=main')
    await repository.git('config', 'user.name', 'A Developer')
    await repository.git('config', 'user.email', 'developer@example.com')
    return repository
  }

  /** Runs git as a user would; never asks for anything. Never rejects: the outcome tells. */
  git(...argv: string[]): Promise<Outcome> {
    return run('git', argv, { cwd: this.path, env: gitEnvironment() })
  }

  /** The same; `onOutput` gets what the user sees, as it comes. */
  follow(onOutput: (text: string) => void, ...argv: string[]): Promise<Outcome> {
    return run('git', argv, { cwd: this.path, env: gitEnvironment(), onOutput })
  }

  async write(path: string, content: string): Promise<void> {
    const target = join(this.path, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, content)
  }

  /** Commits all there is, also when nothing changed; gives the commit's 40 hex digits. */
  async commit(message: string): Promise<string> {
    await this.git('add', '--all', '--force')
    await this.git('commit', '--quiet', '--allow-empty', '--message', message)
    return this.head()
  }

  async head(ref = 'HEAD'): Promise<string> {
    return (await this.git('rev-parse', ref)).output.trim()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true })
  }
}

/** Git must neither ask nor read the machine's settings, so that tests see what any user sees. */
export function gitEnvironment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    LC_ALL: 'C',
  }
}

/** Runs a program to its end; standard output and error in one text, in the order they came. */
export function run(
  program: string,
  argv: string[],
  { onOutput, ...options }: { cwd?: string; env?: NodeJS.ProcessEnv; onOutput?: (text: string) => void } = {},
): Promise<Outcome> {
  return new Promise((settle) => {
    const child = execFile(program, argv, { ...options, maxBuffer: 64 * 2 ** 20 }, () => undefined)
    let output = ''
    const take = (chunk: string): void => {
      output += chunk
      onOutput?.(chunk)
    }
    child.stdout?.on('data', take)
    child.stderr?.on('data', take)
    child.on('close', (code, signal) => settle({ code: code ?? (signal ? 128 : -1), output }))
  })
}
