import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { statfsSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PaasError } from '../../src/errors.ts'
import { canMount, SmallDisk } from '../helpers/small-disk.ts'
import { gitEnvironment, TestRepository, type Outcome } from '../helpers/repository.ts'
import type { Script } from './build-site.ts'
import { startGitHost, type GitHost, type Project } from './git-host.ts'

/** The push contract as the real git client meets it, with builds that do what each test says. */

let host: GitHost
beforeAll(async () => {
  host = await startGitHost({ packBytes: 4 * 2 ** 20 })
})
afterAll(() => host?.[Symbol.asyncDispose]())

function push({ repository }: Project, ...argv: string[]): Promise<Outcome> {
  return repository.git('push', 'paas', ...(argv.length > 0 ? argv : ['main']))
}

/** Starts a push and resolves once its output matches; `end` waits for the rest. */
async function pushUntil({ repository }: Project, seen: RegExp): Promise<{ end(): Promise<Outcome> }> {
  const client = spawn('git', ['push', 'paas', 'main'], { cwd: repository.path, env: gitEnvironment() })
  const closed = once(client, 'close')
  let output = ''
  client.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await expect.poll(() => output).toMatch(seen)
  return {
    async end() {
      const [code] = (await closed) as [number]
      return { code, output }
    },
  }
}

function remoteRef({ app }: Project, ref = 'refs/heads/main'): Promise<string | undefined> {
  return host.repositories.resolve(app.id, ref)
}

/** A build that says `began` and then waits for `go`. */
function heldBuild(): { script: Script; go: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const script: Script = async ({ commit }, say) => {
    say(`-----> began ${commit.slice(0, 7)}\n`)
    await promise
    say('-----> went on\n')
    return 'succeeded'
  }
  return { script, go: resolve }
}

async function started({ app }: Project, count = 1): Promise<void> {
  await expect.poll(() => host.builds.started.filter(({ appId }) => appId === app.id)).toHaveLength(count)
}

describe('a push of the deploy branch', () => {
  it('is in the audit log with its commit, and one that is refused is not', async () => {
    await using project = await host.newProject()
    await push(project, 'main:elsewhere')
    expect(host.store.audit.list({ appId: project.app.id }, 10)).toEqual([])
    await push(project)
    const [entry, ...others] = host.store.audit.list({ appId: project.app.id }, 10)
    expect(others).toEqual([])
    const commit = await remoteRef(project)
    expect(entry).toMatchObject({ action: 'git.push', via: 'git', resource: 'refs/heads/main', detail: { commit } })
    expect(entry?.account?.id).toBe(project.app.ownerId)
    expect(entry?.token).not.toBeNull()
  })

  it('shows the build, moves the ref and exits 0 when the commit serves', async () => {
    await using project = await host.newProject()
    const pushed = await push(project)
    expect(pushed.output).toContain('remote: -----> Built')
    expect(pushed.output).toMatch(/\[new branch\] +main -> main/)
    expect(pushed.code).toBe(0)
    expect(await remoteRef(project)).toBe(await project.repository.head())
    expect((await push(project)).output).toContain('Everything up-to-date')
  })

  it('exits 1 with the reason when the build fails, moves no ref, and can be pushed again', async () => {
    await using project = await host.newProject(async (_, say) => {
      say(' !     npm ci exited with 1\n')
      return { code: 'build_failed', reason: 'npm ci exited with 1' }
    })
    for (const attempt of [1, 2]) {
      const pushed = await push(project)
      expect(pushed.output).toContain('remote:  !     npm ci exited with 1')
      expect(pushed.output).toContain('! [remote rejected] main -> main (build failed: npm ci exited with 1)')
      expect(pushed.code, `attempt ${attempt}`).toBe(1)
    }
    expect(await remoteRef(project)).toBeUndefined()
    expect(host.store.builds.list(project.app.id)).toHaveLength(2)
  })

  it('keeps a reason on one line, without what acts on a terminal', async () => {
    await using project = await host.newProject(async () => ({
      code: 'boot_failed',
      reason: 'web.1 said:\n\u001b]0;owned\u0007 ng refs/heads/main\u0000',
    }))
    expect((await push(project)).output).toContain('(boot failed: web.1 said: ]0;owned ng refs/heads/main)')
  })

  it('is main, or master as long as there is no main', async () => {
    await using project = await host.newProject()
    expect((await push(project, 'main:master')).code).toBe(0)
    const head = await project.repository.git('ls-remote', '--symref', 'paas', 'HEAD')
    expect(head.output).toContain('ref: refs/heads/master')
    await project.repository.commit('Second')
    expect((await push(project, 'main')).code).toBe(0)
    await project.repository.commit('Third')
    expect((await push(project, 'main:master')).output).toContain('(not a deploy branch; push HEAD:main)')
  })

  it('is the branch the app is set to, and no other', async () => {
    await using project = await host.newProject()
    host.store.apps.update(project.app.id, { deployBranch: 'production' })
    expect((await push(project, 'main')).output).toContain('(not a deploy branch; push HEAD:production)')
    expect((await push(project, 'main:production')).code).toBe(0)
  })

  it('may be forced', async () => {
    await using project = await host.newProject()
    await push(project)
    await project.repository.git('commit', '--amend', '--message', 'Another history')
    expect((await push(project)).output).toContain('non-fast-forward')
    expect((await push(project, '--force', 'main')).code).toBe(0)
    expect(await remoteRef(project)).toBe(await project.repository.head())
  })
})

describe('refs that do not deploy', () => {
  it('are refused one by one while the deploy branch goes its way', async () => {
    await using project = await host.newProject()
    const pushed = await push(project, 'main:feature', 'main', 'main:refs/notes/x', 'main:refs/paas/builds/x')
    expect(pushed.code).toBe(1)
    expect(pushed.output).toContain('main -> feature (not a deploy branch; push HEAD:main)')
    expect(pushed.output).toMatch(/\[new branch\] +main -> main/)
    expect(pushed.output).toContain('main -> refs/notes/x (not a deploy branch; push HEAD:main)')
    expect(pushed.output).toMatch(/\[remote rejected\] main -> refs\/paas\/builds\/x/)
    expect(await refsOf(project)).toEqual(['HEAD', 'refs/heads/main'])
  })

  it('take the others with them in an atomic push', async () => {
    await using project = await host.newProject()
    const pushed = await push(project, '--atomic', 'main', 'main:feature')
    expect(pushed.code).toBe(1)
    expect(pushed.output).toContain('main -> main (the push is atomic, and another ref was refused)')
    expect(host.store.builds.list(project.app.id)).toEqual([])
  })

  it('include what is no commit', async () => {
    await using project = await host.newProject()
    const pushed = await push(project, 'main^{tree}:refs/deploy/main')
    expect(pushed.output).toMatch(/\([0-9a-f]{7} is not a commit; push HEAD:refs\/deploy\/main\)/)
  })

  it('include the deletion of the deploy branch', async () => {
    await using project = await host.newProject()
    await push(project)
    const pushed = await push(project, '--delete', 'main')
    expect(pushed.code).toBe(1)
    expect(pushed.output).toContain(
      '! [remote rejected] main (a push cannot delete a branch; to delete the app: paas destroy)',
    )
    expect(await remoteRef(project)).toBe(await project.repository.head())
  })
})

describe('tags', () => {
  async function tagged(script?: Script): Promise<Project> {
    const project = await host.newProject(script)
    await project.repository.git('tag', 'v1')
    await project.repository.git('tag', '--annotate', '--message', 'two', 'v2')
    return project
  }

  it.each([
    ['push.followTags', ['-c', 'push.followTags=true', 'push', 'paas', 'main'], ['v2']],
    ['--tags', ['push', 'paas', 'main', '--tags'], ['v1', 'v2']],
  ])('beside a good branch are taken, and the push succeeds (%s)', async (_, argv, tags) => {
    await using project = await tagged()
    const pushed = await project.repository.git(...argv)
    expect(pushed.output).toMatch(/\[new branch\] +main -> main/)
    for (const tag of tags) expect(pushed.output).toMatch(new RegExp(`\\[new tag\\] +${tag} -> ${tag}`))
    expect(pushed.output).not.toContain('Tags are stored')
    expect(pushed.code).toBe(0)
    expect(host.store.builds.list(project.app.id)).toHaveLength(1)
    for (const tag of tags) expect(await refsOf(project)).toContain(`refs/tags/${tag}`)
  })

  it('beside a branch that fails are taken, and the push fails', async () => {
    await using project = await tagged(async () => ({ code: 'build_failed', reason: 'no' }))
    const pushed = await push(project, 'main', '--tags')
    expect(pushed.output).toMatch(/\[new tag\] +v2 -> v2/)
    expect(pushed.code).toBe(1)
    expect(await refsOf(project)).toEqual(['refs/tags/v1', 'refs/tags/v2', 'refs/tags/v2^{}'])
  })

  it('are refused with a branch that fails if the push is atomic', async () => {
    await using project = await tagged(async () => ({ code: 'build_failed', reason: 'no' }))
    const pushed = await push(project, '--atomic', 'main', '--tags')
    expect(pushed.output).toContain('v2 -> v2 (the push is atomic, and another ref was refused)')
    expect(await refsOf(project)).toEqual([])
  })

  it('alone are taken, and say that they deploy nothing', async () => {
    await using project = await tagged()
    const pushed = await push(project, '--tags')
    expect(pushed.output).toContain('remote: -----> Tags are stored and deploy nothing. To deploy, push the branch: ')
    expect(pushed.code).toBe(0)
    expect(host.store.builds.list(project.app.id)).toEqual([])
  })

  it('may be moved and deleted', async () => {
    await using project = await tagged()
    await push(project, '--tags')
    const moved = await project.repository.commit('Second')
    await project.repository.git('tag', '--force', 'v1')
    expect((await push(project, '--force', 'v1')).code).toBe(0)
    expect(await remoteRef(project, 'refs/tags/v1')).toBe(moved)
    expect((await push(project, '--delete', 'v1', 'v2')).code).toBe(0)
    expect(await refsOf(project)).toEqual([])
  })

  it('are so many for an app and no more', async () => {
    await using project = await tagged()
    await push(project, 'main')
    const head = await project.repository.head()
    const tags = Array.from({ length: 4999 }, (_, n) => `${head} refs/tags/many-${n}\n`)
    const packed = join(host.repositoryPath(project.app), 'packed-refs')
    await writeFile(packed, `# pack-refs with: \n${tags.join('')}`)
    const pushed = await push(project, '--tags')
    expect(pushed.output).toMatch(/\[new tag\] +v1 -> v1/)
    expect(pushed.output).toContain('v2 -> v2 (an app may have 5000 tags; delete some with git push --delete)')
    expect((await push(project, '--delete', 'many-1')).code).toBe(0)
    expect((await push(project, '--tags')).code).toBe(0)
  })

  it.each([
    ['refs/heads/main', [], ['HEAD', 'refs/heads/main']],
    ['refs/heads/main', ['-o', 'detach'], ['HEAD', 'refs/heads/main']],
    ['refs/deploy/main', [], []],
  ])('that are annotated deploy their commit when pushed to %s %j', async (ref, options, refs) => {
    await using project = await tagged()
    const pushed = await push(project, ...options, `v2:${ref}`)
    expect(pushed.code).toBe(0)
    const commit = await project.repository.head()
    expect(host.store.builds.list(project.app.id)).toMatchObject([{ commit }])
    expect(await refsOf(project)).toEqual(refs)
    const known = await project.repository.git('for-each-ref', '--format=%(objectname)', 'refs/remotes/paas')
    expect(known.output).toBe(refs.length > 0 ? `${commit}\n` : '')
  })

  it('of something that is no commit do not', async () => {
    await using project = await host.newProject()
    await project.repository.git('tag', '--annotate', '--message', 'tree', 'tree', 'HEAD^{tree}')
    expect((await push(project, 'tree')).code).toBe(0)
    const pushed = await push(project, 'tree:refs/heads/main')
    expect(pushed.output).toMatch(/\([0-9a-f]{7} is not a commit; push HEAD:refs\/heads\/main\)/)
  })

  it.each(['v1', 'v2'])('that git takes for the branch’s name are refused with what to push (%s)', async (tag) => {
    await using project = await tagged()
    const pushed = await push(project, `${tag}:main`)
    expect(pushed.output).toContain('(main is the deploy branch; to deploy a tag, push TAG^{}:refs/heads/main)')
    expect(pushed.code).toBe(1)
    expect((await push(project, `${tag}^{}:refs/heads/main`)).code).toBe(0)
    expect(await refsOf(project)).toEqual(['HEAD', 'refs/heads/main'])
  })
})

/** The names of all refs that a client is shown. */
async function refsOf({ repository }: Project): Promise<string[]> {
  const { output } = await repository.git('ls-remote', 'paas')
  return output.split('\n').flatMap((line) => line.split('\t')[1] ?? [])
}

describe('refs/deploy', () => {
  it('builds the commit again without a ref', async () => {
    await using project = await host.newProject()
    await push(project)
    const pushed = await push(project, 'HEAD:refs/deploy/main')
    expect(pushed.code).toBe(0)
    expect(pushed.output).toContain('-----> Built')
    expect(host.store.builds.list(project.app.id)[0]).toMatchObject({ ref: null, previousCommit: null })
    expect((await project.repository.git('ls-remote', 'paas')).output).not.toContain('deploy')
  })

  it('knows deploy branches only', async () => {
    await using project = await host.newProject()
    const pushed = await push(project, 'HEAD:refs/deploy/feature')
    expect(pushed.output).toContain('(not a deploy branch; push HEAD:refs/deploy/main)')
  })
})

describe('push options', () => {
  it('detach: the push ends at once, the ref moves, and the build begins', async () => {
    const { script, go } = heldBuild()
    await using project = await host.newProject(script)
    const pushed = await push(project, '-o', 'detach', 'main')
    const [build] = host.store.builds.list(project.app.id)
    expect(pushed.code).toBe(0)
    expect(pushed.output).toContain(`paas builds:output ${build?.id} -a ${project.app.name}`)
    expect(build).toMatchObject({ detached: true, ref: 'refs/heads/main', commit: await project.repository.head() })
    expect(await remoteRef(project)).toBe(await project.repository.head())
    await started(project)
    go()
  })

  it('detach, for a build without a ref', async () => {
    await using project = await host.newProject()
    const pushed = await push(project, '-o', 'detach', '-o', 'no-cache', 'HEAD:refs/deploy/main')
    expect(pushed.code).toBe(0)
    expect(host.store.builds.list(project.app.id)).toMatchObject([{ detached: true, ref: null, noCache: true }])
    expect(await remoteRef(project, 'refs/deploy/main')).toBeUndefined()
  })

  it('no-cache is recorded', async () => {
    await using project = await host.newProject()
    await push(project, '-o', 'no-cache', 'main')
    expect(host.store.builds.list(project.app.id)).toMatchObject([{ noCache: true, detached: false }])
  })

  it.each(['', 'true'])('may come as pairs with the value "%s", from clients that know no others', async (value) => {
    await using project = await host.newProject()
    const pushed = await push(project, '-o', `detach=${value}`, '-o', `no-cache=${value}`, 'main')
    expect(pushed.output).toMatch(/Build of [0-9a-f]{7} accepted/)
    expect(pushed.code).toBe(0)
    expect(host.store.builds.list(project.app.id)).toMatchObject([{ detached: true, noCache: true }])
    expect((await push(project, '-o', 'detach=later', 'HEAD:refs/deploy/main')).output).toContain(
      '(unknown push option "detach=later"; use detach or no-cache)',
    )
  })

  it('that do not exist are refused by name', async () => {
    await using project = await host.newProject()
    const pushed = await push(project, '-o', 'fast', 'main')
    expect(pushed.code).toBe(1)
    expect(pushed.output).toContain('(unknown push option "fast"; use detach or no-cache)')
    expect(host.store.builds.list(project.app.id)).toEqual([])
  })
})

describe('several pushes', () => {
  it('wait their turn, and a newer one supersedes one that waits', async () => {
    const { script, go } = heldBuild()
    await using project = await host.newProject(script)
    const first = push(project)
    await started(project)
    const second = await project.repository.commit('Second')
    const waiting = push(project)
    await expect.poll(() => host.store.builds.list(project.app.id)).toHaveLength(2)
    const third = await project.repository.commit('Third')
    const newest = push(project)
    const superseded = await waiting
    expect(superseded.code).toBe(1)
    expect(superseded.output).toMatch(/remote: -----> Waiting for the build of [0-9a-f]{7} to finish/)
    expect(superseded.output).toContain(`(superseded by ${third.slice(0, 7)})`)
    go()
    expect((await first).code).toBe(0)
    expect((await newest).code).toBe(0)
    expect(await remoteRef(project)).toBe(third)
    const kept = await project.repository.git(
      '--git-dir',
      host.repositoryPath(project.app),
      'for-each-ref',
      'refs/paas',
    )
    expect(kept.output).toBe('')
    expect(second).not.toBe(third)
  })

  it('of one commit share its build when the first client went away', async () => {
    const { script, go } = heldBuild()
    await using project = await host.newProject(script)
    const client = spawn('git', ['push', 'paas', 'main'], {
      cwd: project.repository.path,
      env: gitEnvironment(),
      detached: true,
    })
    await started(project)
    process.kill(-(client.pid ?? 0), 'SIGKILL')
    await once(client, 'close')
    const again = await pushUntil(project, /The build of [0-9a-f]{7} is already running.*began/s)
    go()
    const { code, output } = await again.end()
    expect(output).toContain('remote: -----> went on')
    expect(code).toBe(0)
    expect(host.store.builds.list(project.app.id)).toHaveLength(1)
  })

  it('of a commit that is not the last one accepted have it built again', async () => {
    const { script, go } = heldBuild()
    await using project = await host.newProject(script)
    const older = push(project)
    await started(project)
    await project.repository.commit('Newer')
    const newer = push(project)
    await expect.poll(() => host.store.builds.list(project.app.id)).toHaveLength(2)
    const olderAgain = push(project, '--force', 'HEAD^:refs/heads/main')
    expect((await newer).output).toContain('superseded')
    go()
    expect((await older).code).toBe(0)
    expect((await olderAgain).code).toBe(0)
    expect(await remoteRef(project)).toBe(await project.repository.head('HEAD^'))
  })

  it('of what serves already move the branch and build nothing', async () => {
    await using project = await host.newProject()
    const { app, repository } = project
    await push(project)
    const served = await repository.head()
    await repository.commit('Second')
    await push(project)
    serve(app.id, served)
    const pushed = await push(project, '--force', 'HEAD^:refs/heads/main')
    expect(pushed.output).toContain(`${app.name} already serves ${served.slice(0, 7)}, nothing to build`)
    expect(pushed.code).toBe(0)
    expect(await remoteRef(project)).toBe(served)
    expect(host.store.builds.list(app.id)).toHaveLength(3)
  })

  /** Makes a release of the commit the current one, as a rollback does. */
  function serve(appId: Project['app']['id'], commit: string): void {
    const { builds, releases, apps } = host.store
    const old = builds.list(appId).find((build) => build.commit === commit)
    const { build } = builds.create({ ...old!, noCache: false })
    const running = builds.claim(build.id)!
    builds.recordSlug(build.id, running.generation, {
      id: crypto.randomUUID() as never,
      appId,
      buildId: build.id,
      commit,
      image: 'sha256:0',
      stack: 'debian-13',
      processTypes: {},
      buildpack: 'Test',
      size: 1,
      createdAt: new Date(),
    })
    builds.finish(build.id, running.generation, { kind: 'succeeded', finishedAt: new Date() })
    const slugId = builds.find(build.id)!.slugId
    const release = releases.create({ appId, slugId, description: 'Rollback', accountId: build.accountId, config: {} })
    apps.setCurrentRelease(appId, release.id)
  }
})

it('a push is refused before it is taken when the owner has all builds that it may have; one that waits gives way', async () => {
  const { script, go } = heldBuild()
  await using first = await host.newProject(script)
  await using second = await host.newProject()
  const { id } = host.owner.account
  host.store.accountUsage.give(id, { builds: 2 })
  const running = await pushUntil(first, /began/)
  await first.repository.commit('Second')
  const waiting = await pushUntil(first, /Waiting for the build/)
  await first.repository.commit('Third')
  const newer = await pushUntil(first, /Waiting for the build/)
  expect((await waiting.end()).output).toContain('superseded')
  const { code, output } = await push(second, '-o', 'detach', 'main')
  expect([code, output]).toEqual([1, expect.stringContaining('would have 3 builds that run or wait')])
  expect(await remoteRef(second)).toBeUndefined()
  host.store.accountUsage.give(id, {})
  go()
  expect([(await running.end()).code, (await newer.end()).code]).toEqual([0, 0])
})

it("a push of somebody who loses the access ends without a verdict; the build is the app's and goes on", async () => {
  const { script, go } = heldBuild()
  await using project = await host.newProject(script)
  const mate = host.newUser('mate@example.com')
  host.store.collaborators.set(project.app.id, mate.account.id, 'deploy')
  await project.repository.git('remote', 'set-url', 'paas', host.url(project.app, mate.secret))
  const pushing = await pushUntil(project, /began/)
  host.store.collaborators.set(project.app.id, mate.account.id, 'view')
  const { code, output } = await pushing.end()
  expect([code, output]).toEqual([1, expect.stringContaining('may no longer do this with')])
  go()
  const head = await project.repository.head()
  await expect.poll(() => remoteRef(project)).toBe(head)
})

describe('a repository that was pushed to often', () => {
  it('is tidied up, and what ended builds kept is let go', async () => {
    await using project = await host.newProject()
    const { app, repository } = project
    await push(project)
    const { build } = host.store.builds.create({ ...host.store.builds.list(app.id)[0]!, ref: null })
    const { build: running } = host.store.builds.create({ ...build })
    for (const { id, commit } of [build, running]) await host.repositories.keep(app.id, id, commit)
    const packs = join(host.repositoryPath(app), 'objects/pack')
    const served = (name: string) => repository.git('--git-dir', host.repositoryPath(app), ...name.split(' '))
    for (let count = 0; count < 31; count++) {
      await repository.write('count', String(count))
      await repository.commit(`Commit ${count}`)
      const argv = ['--git-dir', host.repositoryPath(app), '-c', 'fetch.unpackLimit=1', 'fetch', '--quiet']
      await repository.git(...argv, repository.path, `main:refs/heads/side`)
    }
    const count = async () => (await readdir(packs)).filter((name) => name.endsWith('.pack')).length
    expect(await count()).toBeGreaterThan(30)
    await push(project, '-o', 'fast', 'main')
    await expect.poll(count).toBe(1)
    expect((await served('for-each-ref refs/paas')).output).toContain(running.id)
    expect((await served('for-each-ref refs/paas')).output).not.toContain(build.id)
    expect((await served('fsck --strict')).code).toBe(0)
  })
})

describe('what cannot be taken', () => {
  it('a shallow clone is refused with what to do', async () => {
    await using project = await host.newProject()
    await project.repository.commit('Second')
    await using shallow = await TestRepository.empty()
    await shallow.git('fetch', '--quiet', '--depth=1', `file://${project.repository.path}`, 'main')
    await shallow.git('checkout', '--quiet', '-B', 'main', 'FETCH_HEAD')
    const pushed = await shallow.git('push', host.url(project.app), 'main')
    expect(pushed.code).toBe(1)
    expect(pushed.output).toContain('(the clone is shallow; run git fetch --unshallow, then push again)')
    expect(host.store.builds.list(project.app.id)).toEqual([])
  })

  it('but a shallow clone whose missing history the server has is as good as any', async () => {
    await using project = await host.newProject()
    await project.repository.commit('Second')
    await push(project)
    await using shallow = await TestRepository.empty()
    await shallow.git('fetch', '--quiet', '--depth=1', host.url(project.app), 'main')
    await shallow.git('checkout', '--quiet', '-B', 'main', 'FETCH_HEAD')
    await shallow.commit('Third')
    const pushed = await shallow.git('push', host.url(project.app), 'main')
    expect(pushed).toMatchObject({ code: 0 })
  })

  it('an empty repository has nothing to push', async () => {
    await using project = await host.newProject()
    await using empty = await TestRepository.empty()
    const pushed = await empty.git('push', host.url(project.app), 'main')
    expect(pushed.code).toBe(1)
    expect(pushed.output).toContain('src refspec main does not match any')
  })

  it.each(['http.postBuffer=1m', 'http.postBuffer=100m'])(
    'a pack over the limit is refused with the limit (%s)',
    async (setting) => {
      await using project = await host.newProject()
      await writeFile(join(project.repository.path, 'noise'), randomBytes(12 * 2 ** 20))
      await project.repository.commit('Noise')
      const pushed = await project.repository.git('-c', setting, 'push', 'paas', 'main')
      expect(pushed.code).toBe(1)
      expect(pushed.output).toContain('(the push has more than 4 MiB, the limit; remove large files from its history)')
      expect(host.store.builds.list(project.app.id)).toEqual([])
    },
  )

  it('broken objects are refused by name', async () => {
    await using project = await host.newProject()
    const tree = await project.repository.head('HEAD^{tree}')
    await project.repository.write('broken', `tree ${tree}\nauthor nobody\ncommitter nobody\n\nbroken\n`)
    const { output } = await project.repository.git('hash-object', '-t', 'commit', '-w', '--literally', 'broken')
    const commit = output.trim()
    const pushed = await push(project, `${commit}:refs/heads/main`)
    expect(pushed.code).toBe(1)
    expect(pushed.output).toMatch(
      new RegExp(`\\(broken object ${commit.slice(0, 7)}: missingEmail: .*; run git fsck\\)`),
    )
    expect(host.store.builds.list(project.app.id)).toEqual([])
  })

  it('a commit that cannot be deployed is refused without waiting for a build, detached or not', async () => {
    const { script, go } = heldBuild()
    await using project = await host.newProject(script)
    const { app, repository } = project
    const first = push(project)
    await started(project)
    await repository.git('rm', '--quiet', 'index.html')
    await repository.commit('Nothing left')
    for (const options of [[], ['-o', 'detach']]) {
      const pushed = await push(project, ...options, 'HEAD:refs/heads/main')
      expect(pushed.output).toContain('(The commit cannot be deployed: it has no files. Commit the files of the app.)')
      expect(pushed.code).toBe(1)
    }
    expect(host.store.builds.list(app.id)).toHaveLength(1)
    go()
    expect((await first).code).toBe(0)
  })

  it('a push to an app that is being destroyed is refused', async () => {
    await using project = await host.newProject()
    host.store.apps.markDestroying(project.app.id)
    expect((await push(project)).output).toContain(`has no app named ${project.app.name} on this server`)
  })
})

describe('without the queue', () => {
  it('a build is recorded, the user told, and it is built when the queue is back', async () => {
    await using own = await startGitHost()
    await using project = await own.newProject()
    await own.redis.stop()
    const pushing = await pushUntil(project, /The queue \(Redis\) is unavailable/)
    await own.redis.start()
    const pushed = await pushing.end()
    expect(pushed.output).toContain('The queue (Redis) is unavailable. The build starts as soon as it is back.')
    expect(pushed).toMatchObject({ code: 0 })
  })
})

describe('without room on the disk', () => {
  it('a push is refused in one line before anything is sent', async () => {
    await using own = await startGitHost({ limits: { freeBytes: 2 ** 60 } })
    await using project = await own.newProject()
    const pushed = await project.repository.git('push', 'paas', 'main')
    expect(pushed.code).not.toBe(0)
    expect(pushed.output).toMatch(/^remote: The server's disk has \d+ MiB left and needs \d+ MiB to take a push\./m)
  })

  it('for its build, where that is elsewhere, a push is refused before anything is sent, and taken once there is', async () => {
    let isFull = true
    const message = 'The disk for builds has 12 MiB left, and a build needs 1024 MiB.'
    const makeDiskRoom = async () => {
      if (isFull) throw new PaasError('disk_full', message)
    }
    await using own = await startGitHost({ makeDiskRoom })
    await using project = await own.newProject()
    const pushed = await project.repository.git('push', 'paas', 'main')
    expect(pushed.code).not.toBe(0)
    expect(pushed.output).toContain(`remote: ${message}`)
    isFull = false
    expect(await project.repository.git('push', 'paas', 'main')).toMatchObject({ code: 0 })
  })

  it.skipIf(!canMount)('a push that would leave less than must be free is refused while it comes', async () => {
    using disk = new SmallDisk({ mebibytes: 96, inodes: 4000 })
    await using own = await startGitHost({ directory: disk.path, limits: { freeBytes: 60 * 2 ** 20 } })
    await using project = await own.newProject()
    expect(await project.repository.git('push', 'paas', 'main')).toMatchObject({ code: 0 })
    await writeFile(join(project.repository.path, 'large'), randomBytes(36 * 2 ** 20))
    await project.repository.commit('Too much for the disk')
    const pushed = await project.repository.git('push', 'paas', 'main')
    expect(pushed.code).not.toBe(0)
    expect(pushed.output).toMatch(/The server's disk has room for a push of \d+ MiB at most/)
    expect(statfsSync(disk.path).bavail * statfsSync(disk.path).bsize).toBeGreaterThan(55 * 2 ** 20)
  })
})
