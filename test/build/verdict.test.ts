import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { PaasError } from '../../src/errors.ts'
import { createRepositories } from '../../src/git/bare-repositories.ts'
import type { Repositories } from '../../src/model/repositories.ts'
import { createLog } from '../../src/log.ts'
import type { Build } from '../../src/model/build.ts'
import { PhaseClock } from '../../src/model/phase-clock.ts'
import { createBuildRelease } from '../../src/release/create.ts'
import { openStore } from '../../src/store/open.ts'
import { fail, succeed } from '../../src/build/verdict.ts'
import { until } from '../helpers/app.ts'
import { run, TestRepository } from '../helpers/repository.ts'
import { canMount, SmallDisk } from '../helpers/small-disk.ts'
import { TestStore } from '../store/test-store.ts'

const log = createLog('test', 'silent')
const ref = 'refs/heads/main'

/** What a build prints of its verdict. */
function told() {
  const lines: string[] = []
  const say = (text: string): void => void lines.push(text)
  const output = { topic: say, detail: say, error: say, raw: () => undefined, hide: () => undefined }
  return { lines, output }
}

describe('a build whose verdict came late', () => {
  let test: TestStore
  let repositories: Repositories
  beforeEach(() => {
    test = new TestStore()
    const { limits } = loadConfig({ PAAS_DATA: test.files.directory })
    repositories = createRepositories({ directory: test.files.directory, limits })
  })
  afterEach(() => test[Symbol.dispose]())

  /** A build of the commit that is live, its verdict not written yet. */
  function live(commit: string): Build {
    const { store, app, account } = test
    const asked = { appId: app.id, accountId: account.id, commit, ref, previousCommit: null }
    const build = store.builds.claim(store.builds.create({ ...asked, noCache: false, detached: false }).build.id)!
    const slug = test.slugOf(build)
    store.builds.recordSlug(build.id, build.generation, slug)
    store.apps.setCurrentRelease(app.id, createBuildRelease(store, build, slug).id)
    return build
  }

  it('has succeeded, says so when nothing runs, and leaves the ref to the newer build that serves', async () => {
    const bare = await repositories.ensure(test.app.id)
    await using repository = await TestRepository.empty()
    const commits = [await repository.commit('older'), await repository.commit('newer')] as const
    expect(await run('git', ['-C', bare, 'fetch', '--quiet', repository.path, 'main'])).toMatchObject({ code: 0 })
    const [older, newer] = [live(commits[0]), live(commits[1])]
    const parts = { store: test.store, repositories, publicUrl: 'http://localhost', log }
    for (const build of [newer, older]) {
      const { lines, output } = told()
      await succeed(parts, { ...runOf(build), output })
      expect(lines[0]).toMatch(/^Nothing runs: .*Add a file Procfile/)
      expect(test.store.builds.find(build.id)?.state.kind).toBe('succeeded')
      expect(await repositories.resolve(test.app.id, ref)).toBe(newer.commit)
    }
  })
})

describe('a build that serves when no process can be started', () => {
  it('has succeeded once its ref could be moved', async () => {
    using test = new TestStore()
    const { store, app, account } = test
    const asked = { appId: app.id, accountId: account.id, commit: 'a'.repeat(40), ref, previousCommit: null }
    const build = store.builds.claim(store.builds.create({ ...asked, noCache: false, detached: false }).build.id)!
    const stateThen = () => store.builds.find(build.id)?.state.kind
    const states: (string | undefined)[] = []
    const repositories = {
      resolve: async () => undefined,
      release: async () => undefined,
      moveRef: async () => {
        states.push(stateThen())
        if (states.length === 1) throw new PaasError('server_exhausted', 'The server has no file descriptors left.')
        return true
      },
    }
    const { lines, output } = told()
    const parts = { store, repositories, publicUrl: 'http://localhost', log }
    await succeed(parts, { ...runOf(build), output })
    expect(states).toEqual(['running', 'running'])
    expect(stateThen()).toBe('succeeded')
    expect(lines).toContain('The verdict cannot be written: The server has no file descriptors left; trying again')
  })
})

describe.skipIf(!canMount)('a verdict that a full disk does not take', () => {
  let disk: SmallDisk
  beforeEach(() => {
    disk = new SmallDisk({ mebibytes: 16, inodes: 100 })
  })
  afterEach(() => disk[Symbol.dispose]())

  /** A build that has just failed, on the disk that is full now. */
  function failing(closing: AbortSignal) {
    const store = openStore({ path: join(disk.path, 'paas.db'), keyPath: join(disk.path, 'key') })
    const { id: accountId } = store.accounts.create({ email: 'owner@example.com', admin: false })
    const { id: appId } = store.apps.create({ name: 'acme', ownerId: accountId, stack: 'debian-13' })
    const asked = { appId, accountId, commit: 'a'.repeat(40), ref, previousCommit: null }
    const { id } = store.builds.create({ ...asked, noCache: false, detached: false }).build
    const build = store.builds.claim(id)!
    disk.fill()
    const { limits } = loadConfig({ PAAS_DATA: disk.path })
    const repositories = createRepositories({ directory: join(disk.path, 'repositories'), limits })
    const { lines, output } = told()
    const releases = { fail: () => undefined } // it has none
    const parts = { store, repositories, releases, publicUrl: 'http://localhost', log }
    const reason = new PaasError('build_failed', 'npm ci exited with 1')
    return { store, id, lines, verdict: fail(parts, { ...runOf(build), output, closing }, reason) }
  }

  const complaint = 'The verdict cannot be written: no space left on the disk of the data directory; trying again'

  it('is written once there is room, and says once meanwhile what it waits for', async () => {
    const { store, id, lines, verdict } = failing(never())
    using _ = store
    await until('it says so', async () => lines.includes(complaint))
    expect(store.builds.find(id)?.state.kind).toBe('running')
    disk.empty()
    await verdict
    expect(store.builds.find(id)?.state).toMatchObject({ kind: 'failed', reason: 'npm ci exited with 1' })
    expect(lines).toEqual(['npm ci exited with 1', complaint])
  })

  it('keeps no worker from stopping: the next one takes the build up again', async () => {
    const closing = new AbortController()
    const { store, id, lines, verdict } = failing(closing.signal)
    using _ = store
    await until('it says so', async () => lines.includes(complaint))
    closing.abort()
    await expect(verdict).rejects.toMatchObject({ name: 'AbortError' })
    expect(store.builds.find(id)?.state.kind).toBe('running')
  })
})

function runOf(build: Build) {
  return { build, clock: new PhaseClock(), facts: {}, signal: never(), closing: never(), compiled: () => undefined }
}

function never(): AbortSignal {
  return new AbortController().signal
}
