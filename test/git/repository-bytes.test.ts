import { randomBytes } from 'node:crypto'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Outcome } from '../helpers/repository.ts'
import { startGitHost, type GitHost, type Project } from './git-host.ts'

/** What large pushes leave on the disk, with the real git client. */

const mebibyte = 2 ** 20

let host: GitHost
beforeAll(async () => {
  host = await startGitHost({ packBytes: 50 * mebibyte, repositoryBytes: 10 * mebibyte })
})
afterAll(() => host?.[Symbol.asyncDispose]())

async function commitLarge({ repository }: Project, name = 'large'): Promise<void> {
  await writeFile(join(repository.path, name), randomBytes(6 * mebibyte))
  await repository.git('-c', 'core.compression=0', 'add', '--all')
  await repository.commit(name)
}

/** Bytes of what there is and of what is on its way. */
async function bytesOf({ app }: Project): Promise<number> {
  const objects = join(host.repositoryPath(app), 'objects')
  const names = await readdir(objects, { recursive: true }).catch(() => [])
  const sizes = await Promise.all(names.map((name) => sizeOf(join(objects, name))))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** 0 for what is none any more. */
async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() ? found.size : 0
}

/** The most there ever was while git pushed. */
async function pushMeasured(project: Project, ...argv: string[]): Promise<Outcome & { most: number }> {
  let most = 0
  let isOver = false
  const measuring = (async () => {
    while (!isOver) most = Math.max(most, await bytesOf(project))
  })()
  const outcome = await project.repository.git('push', 'paas', ...argv)
  isOver = true
  await measuring
  return { ...outcome, most }
}

/** One more commit, pushed in small parts. */
async function pushLarge(project: Project): Promise<Outcome> {
  await commitLarge(project)
  return project.repository.git('push', 'paas', 'main')
}

describe('the account that owns the apps', () => {
  it('has its repositories limited in all, and what comes at the same time is added up', async () => {
    const { account } = host.owner
    await using first = await host.newProject()
    await using second = await host.newProject()
    await using third = await host.newProject()
    const present = Math.ceil((await host.repositories.bytesOf(host.store.accountUsage.appIds(account.id))) / mebibyte)
    host.store.accountUsage.give(account.id, { repository_mib: present + 10 })
    const outcomes = await Promise.all([first, second, third].map(pushLarge))
    host.store.accountUsage.give(account.id, {})
    const refused = outcomes.filter(({ code }) => code === 1).map(({ output }) => output)
    const reason = /main -> main \(owner@example.com would have \d+ MiB of repositories; the limit is \d+\./
    expect(refused).toEqual([expect.stringMatching(reason), expect.stringMatching(reason)])
  })

  it('has its builds of an hour limited, said before the pack is kept', async () => {
    const { account } = host.owner
    await using project = await host.newProject()
    expect((await project.repository.git('push', 'paas', 'main')).code).toBe(0)
    const before = await bytesOf(project)
    host.store.accountUsage.give(account.id, { builds_per_hour: 1 })
    await commitLarge(project)
    await project.repository.git('config', 'http.postBuffer', '1m')
    const { code, output, most } = await pushMeasured(project, 'main')
    host.store.accountUsage.give(account.id, {})
    expect(output).toMatch(/builds within an hour; the limit is 1\. The next one is accepted at \d\d:\d\d UTC/)
    expect([code, most]).toEqual([1, before])
  })
})

describe('a push of 6 MiB', () => {
  it.each([
    ['a branch that does not deploy', '1m', ['HEAD:feature'], 'HEAD -> feature (not a deploy branch; push HEAD:main)'],
    ['such a one, in one piece', '100m', ['HEAD:one', 'HEAD:two'], 'HEAD -> two (not a deploy branch; push HEAD:main)'],
    [
      'a ref of the server’s own',
      '1m',
      ['HEAD:refs/paas/x'],
      'HEAD -> refs/paas/x (this ref is reserved by the server)',
    ],
    [
      'all refs or none',
      '1m',
      ['--atomic', 'HEAD:main', 'HEAD:x'],
      '(the push is atomic, and another ref was refused)',
    ],
  ])('to %s is refused before anything of it is kept', async (_, buffer, argv, reason) => {
    await using project = await host.newProject()
    await project.repository.git('push', 'paas', 'main')
    const before = await bytesOf(project)
    await commitLarge(project)
    await project.repository.git('config', 'http.postBuffer', buffer)
    const { code, output, most } = await pushMeasured(project, ...argv)
    expect(output).toContain(reason)
    expect(output).not.toMatch(/fatal|RPC failed|hung up|internal/)
    expect([code, most]).toEqual([1, before])
  })

  it('that is refused only once it is in leaves nothing', async () => {
    await using project = await host.newProject()
    await project.repository.git('push', 'paas', 'main')
    const before = await bytesOf(project)
    await commitLarge(project)
    await project.repository.write('.wh.x', '')
    await project.repository.commit('A whiteout')
    const { code, output } = await project.repository.git('push', 'paas', 'main')
    expect(output).toContain('".wh.x" has a name that begins with .wh., which is reserved in container images')
    expect(code).toBe(1)
    await expect.poll(() => bytesOf(project)).toBe(before)
  })

  it('whose build fails leaves nothing, and can be pushed again', async () => {
    await using project = await host.newProject(async () => ({ code: 'build_failed', reason: 'no' }))
    await commitLarge(project)
    expect((await project.repository.git('push', 'paas', 'main')).code).toBe(1)
    await expect.poll(() => bytesOf(project)).toBe(0)
    host.builds.scripts.delete(project.app.id)
    expect((await project.repository.git('push', 'paas', 'main')).code).toBe(0)
  })

  it('is too much for a repository that has 6 MiB of 10, which takes small ones on', async () => {
    await using project = await host.newProject()
    await commitLarge(project, 'first')
    expect((await project.repository.git('push', 'paas', 'main')).code).toBe(0)
    await commitLarge(project, 'second')
    const { code, output } = await project.repository.git('push', 'paas', 'main')
    expect(output).toMatch(/main -> main \(The app's repository has room for \d MiB; the limit is 10 MiB in total\./)
    expect(code).toBe(1)
    await project.repository.git('reset', '--hard', 'HEAD~1')
    await project.repository.write('small', 'x')
    await project.repository.commit('Small')
    expect((await project.repository.git('push', 'paas', 'main')).output).toMatch(/main -> main$/m)
    expect(await bytesOf(project)).toBeLessThan(8 * mebibyte)
  })
})
