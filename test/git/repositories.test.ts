import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { extract } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRepositories } from '../../src/git/bare-repositories.ts'
import { PaasError } from '../../src/errors.ts'
import type { Repositories } from '../../src/model/repositories.ts'
import { newId, type AppId, type BuildId } from '../../src/model/ids.ts'
import { childrenOf, commandLine } from '../helpers/processes.ts'
import { run } from '../helpers/repository.ts'
import { commitByHand, type Tree } from './hand-made-tree.ts'

/** Repositories as the worker sees them: what may be exported, byte for byte, and refs that move only when they may. */

const limits = { packBytes: 10 * 2 ** 20, repositoryBytes: 2 ** 30, sourceBytes: 2 ** 20, sourceFiles: 200 }
const never = new AbortController().signal

let directory: string
let repositories: Repositories
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paas-repositories-'))
  repositories = createRepositories({ directory, limits })
})
afterAll(() => rm(directory, { recursive: true }))

async function newApp(): Promise<{ appId: AppId; path: string }> {
  const appId = newId<AppId>()
  return { appId, path: await repositories.ensure(appId) }
}

async function refusal(tree: Tree): Promise<string> {
  const { appId, path } = await newApp()
  return refusalOf(appId, (await commitByHand(path, tree)).commit)
}

async function refusalOf(appId: AppId, commit: string): Promise<string> {
  try {
    await buffer(await repositories.archive(appId, commit, never))
    return 'exported'
  } catch (cause) {
    if (!(cause instanceof PaasError) || cause.code !== 'source_invalid' || cause.message.includes('\n')) throw cause
    return cause.message
  }
}

type File = { type: string; mode: number; content: string; linkname: string }

async function exported(appId: AppId, commit: string): Promise<Map<string, File>> {
  const files = new Map<string, File>()
  const unpack = extract()
  const tar = await repositories.archive(appId, commit, never)
  tar.pipe(unpack)
  for await (const entry of unpack) {
    const { name, type, mode, linkname } = entry.header
    files.set(name, { type: type ?? '', mode: mode ?? 0, linkname: linkname ?? '', content: await text(entry) })
  }
  return files
}

describe('an export', () => {
  it('is what was committed, byte for byte, whatever .gitattributes says', async () => {
    const { appId, path } = await newApp()
    const rules = [
      '* text eol=crlf ident export-subst filter=lfs',
      'secret* export-ignore',
      'dir export-ignore',
      '[attr]hide export-ignore',
    ]
    const content = 'unix\n$Id$\n$Format:%H$\n'
    const { commit } = await commitByHand(path, {
      '.gitattributes': [...rules, 'wide working-tree-encoding=UTF-16', 'hidden hide', ''].join('\n'),
      plain: content,
      secret: content,
      wide: content,
      hidden: content,
      dir: { inside: content, '.gitattributes': 'inside export-ignore\n' },
      run: { executable: content },
      link: { link: 'dir/inside' },
    })
    const files = await exported(appId, commit)
    for (const name of ['plain', 'secret', 'wide', 'hidden', 'dir/inside', 'run']) {
      expect(files.get(name)?.content).toBe(content)
    }
    expect(files.get('run')?.mode).toBe(0o755)
    expect(files.get('plain')?.mode).toBe(0o644)
    expect(files.get('link')).toMatchObject({ type: 'symlink', linkname: 'dir/inside' })
  })

  it('ends with its signal and leaves no git running', async () => {
    const { appId, path } = await newApp()
    const { commit } = await commitByHand(path, { large: 'x'.repeat(2 ** 20 - 100) })
    const left = new AbortController()
    const tar = await repositories.archive(appId, commit, left.signal)
    left.abort(new Error('nobody wants it'))
    await expect(buffer(tar)).rejects.toThrow('nobody wants it')
    await expect.poll(() => childrenOf(process.pid).filter((pid) => commandLine(pid).includes(path))).toEqual([])
  })

  it('ends with its reader and leaves no git running', async () => {
    const { appId, path } = await newApp()
    const { commit } = await commitByHand(path, { large: 'x'.repeat(2 ** 20 - 100) })
    const tar = await repositories.archive(appId, commit, never)
    tar.destroy()
    await expect.poll(() => childrenOf(process.pid).filter((pid) => commandLine(pid).includes(path))).toEqual([])
  })

  it('of what is no commit fails', async () => {
    const { appId } = await newApp()
    await expect(repositories.archive(appId, '1'.repeat(40), never)).rejects.toMatchObject({ code: 'internal' })
    await expect(repositories.archive(appId, '--output=/tmp/x', never)).rejects.toMatchObject({ code: 'bad_request' })
  })
})

describe('a tree is refused for a name', () => {
  it.each([
    '.git',
    '.GIT',
    'git~1',
    'GIT~1',
    '.git ',
    '.git...',
    '.git::$INDEX_ALLOCATION',
    '.g\u200cit',
    'a\\.git\\b',
  ])('that some file system takes for .git: %j', async (name) => {
    expect(await refusal({ sub: { [name]: { config: '' } } })).toMatch(/which git reserves\.$/)
  })

  it.each(['.', '..'])('that is a way and no name: %j', async (name) => {
    expect(await refusal({ [name]: { file: '' } })).toMatch(/which git reserves\.$/)
  })

  it('but .gitignore, .github and their like are as good as any', async () => {
    const names = ['.gitignore', '.gitmodules', 'a.git', 'git~2', 'digit', '.git-old', '.gi', 'ünïcode', 'a b\tc']
    expect(await refusal(Object.fromEntries(names.map((name) => [name, ''])))).toBe('exported')
  })

  it.each([
    [{ README: '', readme: '' }, '"README" and "readme"'],
    [{ Src: { a: '' }, src: { b: '' } }, '"Src" and "src"'],
    [{ 'caf\u00e9': '', 'cafe\u0301': '' }, 'differ only in case'],
  ])('that differs from another only in case: %j', async (tree, said) => {
    expect(await refusal(tree as Tree)).toContain(said)
  })

  it('that would act on a terminal, without repeating it', async () => {
    expect(await refusal({ '.git': { 'a\u001b]0;owned\u0007\n': '' } })).not.toMatch(/\p{Cc}/u)
  })
})

describe('a tree is refused for a symbolic link', () => {
  it.each([
    '/etc/passwd',
    '../outside',
    'dir/../../outside',
    'dir/deep/../../../outside',
    './/..',
    'short/../..',
    'a/../../x',
  ])('that leads out of it: %s', async (link) => {
    const tree = { dir: { deep: { file: '' } }, short: { link: 'dir' }, link: { link } }
    expect(await refusal(tree)).toContain('the symbolic link "link" points outside the app')
  })

  it('that leads out of it by way of another one', async () => {
    const tree = { top: {}, one: { two: { up: { link: '../../top' }, out: { link: 'up/../..' } } } }
    expect(await refusal(tree)).toContain('"one/two/out" points outside the app, to "up/../.."')
  })

  it('whose target is longer than a path can be', async () => {
    expect(await refusal({ link: { link: 'x'.repeat(4096) } })).toContain('has a target of more than 4095 bytes')
  })

  it('but not for one that stays inside, leads nowhere or in a circle', async () => {
    const links = {
      in: 'dir/file',
      up: 'dir/../other',
      dangling: 'not/there',
      self: 'self',
      ping: 'pong',
      pong: 'ping',
      here: '.',
    }
    const tree = Object.fromEntries(Object.entries(links).map(([name, link]) => [name, { link }]))
    expect(await refusal({ ...tree, dir: { file: '', deep: { back: { link: '../../other' } } }, other: '' })).toBe(
      'exported',
    )
  })
})

describe('a tree is refused for its size', () => {
  it('when it is empty', async () => {
    expect(await refusal({})).toContain('it has no files')
  })

  it('when its files are too large together', async () => {
    const half = 'x'.repeat(2 ** 19 + 1)
    expect(await refusal({ a: half, b: half })).toContain('its files have more than 1 MiB')
  })

  it('when it holds too many', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 201 }, (_, n) => [`file-${n}`, { tree: '4b825dc642cb6eb9a060e54bf8d69288fbee4904' }]),
    )
    expect(await refusal(files)).toContain('it has more than 200 files and directories')
  })

  it('without a walk through all of it, when a few trees unfold into billions of names', async () => {
    const { appId, path } = await newApp()
    let tree = (await commitByHand(path, { file: '' })).tree
    let commit = ''
    for (let level = 0; level < 10; level++) {
      const ten = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`d${n}`, { tree }]))
      ;({ tree, commit } = await commitByHand(path, ten))
    }
    expect(await refusalOf(appId, commit)).toContain('more than 200 files')
  })

  it('when it is too deep, or a path too long', async () => {
    const nest = (depth: number, name: string): Tree => (depth === 0 ? { file: '' } : { [name]: nest(depth - 1, name) })
    expect(await refusal(nest(100, 'd'))).toContain('is nested deeper than 100 directories')
    expect(await refusal(nest(5, 'n'.repeat(250)))).toContain('has more than 1024 bytes')
  })

  it('when it holds a submodule', async () => {
    expect(await refusal({ vendor: { lib: { submodule: '1'.repeat(40) } } })).toContain('"vendor/lib" is a submodule')
  })
})

describe('a repository', () => {
  it('is made once, by whoever comes first, and brought up to date', async () => {
    const appId = newId<AppId>()
    const paths = await Promise.all(Array.from({ length: 5 }, () => repositories.ensure(appId)))
    expect(new Set(paths)).toEqual(new Set([join(directory, `${appId}.git`)]))
    expect((await readdir(directory)).filter((name) => name.startsWith('.new'))).toEqual([])
    const config = (key: string) => run('git', ['--git-dir', paths[0]!, 'config', key])
    expect((await config('receive.maxInputSize')).output.trim()).toBe(String(limits.packBytes))
    const changed = createRepositories({ directory, limits: { ...limits, packBytes: 4242, repositoryBytes: 2 ** 30 } })
    await changed.ensure(appId)
    expect((await config('receive.maxInputSize')).output.trim()).toBe('4242')
  })

  it('has no sample hooks, and nobody else’s', async () => {
    const { path } = await newApp()
    expect(await readdir(path)).not.toContain('hooks')
    const hooks = (await run('git', ['--git-dir', path, 'config', 'core.hooksPath'])).output.trim()
    expect((await stat(join(hooks, 'proc-receive'))).mode & 0o777).toBe(0o755)
    expect(await readFile(join(hooks, 'proc-receive'), 'utf8')).toContain('wire.js')
  })

  it('is gone after remove, however often', async () => {
    const { appId, path } = await newApp()
    await repositories.remove(appId)
    await repositories.remove(appId)
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await repositories.resolve(appId, 'refs/heads/main')).toBeUndefined()
    await repositories.release(appId, newId<BuildId>())
  })

  it('is found by ids only', async () => {
    await expect(repositories.ensure('../../etc' as AppId)).rejects.toThrow('is not an id')
  })
})

describe('a ref', () => {
  it('moves from where it was, once, and the same call again changes nothing', async () => {
    const { appId, path } = await newApp()
    const { commit: first } = await commitByHand(path, { a: '' })
    const { commit: second } = await commitByHand(path, { b: '' })
    const move = (to: string, from: string | null) => repositories.moveRef(appId, 'refs/heads/main', to, from)
    expect(await move(first, null)).toBe(true)
    expect(await move(first, null)).toBe(true)
    expect(await move(second, null)).toBe(false)
    expect(await repositories.resolve(appId, 'refs/heads/main')).toBe(first)
    expect(await move(second, first)).toBe(true)
    expect(await move(second, first)).toBe(true)
    expect(await move(first, first)).toBe(false)
    expect(await repositories.resolve(appId, 'refs/heads/main')).toBe(second)
  })

  it('is taken away when it is where it should be, and the same call again changes nothing', async () => {
    const { appId, path } = await newApp()
    const { commit: first } = await commitByHand(path, { a: '' })
    const { commit: second } = await commitByHand(path, { b: '' })
    await repositories.moveRef(appId, 'refs/heads/main', first, null)
    expect(await repositories.moveRef(appId, 'refs/heads/main', null, second)).toBe(false)
    expect(await repositories.moveRef(appId, 'refs/heads/main', null, first)).toBe(true)
    expect(await repositories.resolve(appId, 'refs/heads/main')).toBeUndefined()
    expect(await repositories.moveRef(appId, 'refs/heads/main', null, first)).toBe(true)
  })

  it('that does not exist, or names no commit, resolves to nothing', async () => {
    const { appId, path } = await newApp()
    const { commit, tree } = await commitByHand(path, { a: '' })
    for (const ref of ['refs/heads/none', tree, '1'.repeat(40), '--all', 'a\nb', '']) {
      expect(await repositories.resolve(appId, ref)).toBeUndefined()
    }
    expect(await repositories.resolve(appId, commit)).toBe(commit)
  })

  it('keeps the commit of a build from being collected until the build lets go', async () => {
    const { appId, path } = await newApp()
    const { commit } = await commitByHand(path, { a: '' })
    const buildId = newId<BuildId>()
    await repositories.keep(appId, buildId, commit)
    await run('git', ['--git-dir', path, 'gc', '--prune=now', '--quiet'])
    expect(await repositories.resolve(appId, commit)).toBe(commit)
    await repositories.release(appId, buildId)
    await repositories.release(appId, buildId)
    await run('git', ['--git-dir', path, 'gc', '--prune=now', '--quiet'])
    expect(await repositories.resolve(appId, commit)).toBeUndefined()
  })
})
