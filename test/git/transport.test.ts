import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { flush, packet } from '../../src/git/pkt-line.ts'
import { until } from '../helpers/app.ts'
import { gitEnvironment, run, TestRepository } from '../helpers/repository.ts'
import { startGitHost, type GitHost, type Project } from './git-host.ts'
import { openRaw } from './raw-http.ts'

/** What git's own t5541, t5551 and t5561 look at: the ways real clients speak smart HTTP. */

let host: GitHost
let scratch: string
beforeAll(async () => {
  host = await startGitHost()
  scratch = await mkdtemp(join(tmpdir(), 'paas-clones-'))
})
afterAll(async () => {
  await host?.[Symbol.asyncDispose]()
  await rm(scratch, { recursive: true, force: true })
})

/** Runs the client with a trace of what it sends and gets over HTTP. */
function traced({ repository }: Project, ...argv: string[]) {
  const env = { ...gitEnvironment(), GIT_CURL_VERBOSE: '1', GIT_TRACE_CURL_NO_DATA: '1' }
  return run('git', argv, { cwd: repository.path, env })
}

async function withNoise(bytes: number): Promise<Project> {
  const project = await host.newProject()
  await writeFile(join(project.repository.path, 'noise'), randomBytes(bytes))
  await project.repository.commit('Noise')
  return project
}

describe('a push', () => {
  it('larger than the client’s buffer comes in chunks, after an empty one', async () => {
    await using project = await withNoise(3 * 2 ** 20)
    const pushed = await traced(project, '-c', 'http.postBuffer=65536', 'push', 'paas', 'main')
    expect(pushed.output).toMatch(/header: transfer-encoding: chunked/i)
    expect(
      pushed.output.match(/header, 0000000\d+ bytes|POST \/app-\d+\.git\/git-receive-pack/g)?.length,
    ).toBeGreaterThan(1)
    expect(pushed.code).toBe(0)
    expect(await host.repositories.resolve(project.app.id, 'refs/heads/main')).toBe(await project.repository.head())
  })

  it('with a head larger than any chunk, of many refs, gets a verdict for each', async () => {
    await using project = await host.newProject()
    const refs = Array.from({ length: 300 }, (_, n) => `main:refs/heads/branch-${n}-${'x'.repeat(40)}`)
    const pushed = await project.repository.git('push', 'paas', 'main', ...refs)
    expect(pushed.output.match(/not a deploy branch/g)).toHaveLength(300)
    expect(pushed.output).toMatch(/\[new branch\] +main -> main/)
  })

  it('with more refs than 64 KiB is refused', async () => {
    await using project = await host.newProject()
    const refs = Array.from({ length: 500 }, (_, n) => `main:refs/heads/branch-${n}-${'x'.repeat(60)}`)
    const pushed = await project.repository.git('push', 'paas', ...refs)
    expect(pushed.code).not.toBe(0)
    expect(pushed.output).toContain('HTTP 413')
  })

  it('waits for 100 Continue when it says so', async () => {
    const { app } = await host.newProject()
    const request = { ...rawPush(app.name, []), framing: 4 }
    const socket = await openRaw(host.port, { ...request, headers: { ...request.headers, expect: '100-continue' } })
    let answer = ''
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')))
    await until('the server wants the body', async () => answer.startsWith('HTTP/1.1 100 Continue\r\n\r\n'))
    socket.write('0000')
    await expect.poll(() => answer).toContain('HTTP/1.1 200 OK')
    socket.destroy()
  })

  it('that is silent for long is kept alive', async () => {
    const { promise, resolve } = Promise.withResolvers<'succeeded'>()
    await using project = await host.newProject(() => promise)
    const socket = await openRaw(host.port, rawPush(project.app.name, [await headAndPack(project)]))
    let answer = ''
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')))
    await until('a keep-alive', async () => answer.includes('0005\u0001'), 15_000)
    resolve('succeeded')
    await expect.poll(() => answer, { timeout: 10_000 }).toContain('ok refs/heads/main')
    socket.destroy()
  })
})

describe('a login', () => {
  it('is asked for, not guessed', async () => {
    await using project = await host.newProject()
    const url = host.url(project.app).replace(/git:.*@/, '')
    const pushed = await project.repository.git('push', url, 'main')
    expect(pushed.code).not.toBe(0)
    expect(pushed.output).toContain('could not read Username')
  })

  it('that is wrong is explained', async () => {
    await using project = await host.newProject()
    const pushed = await project.repository.git('push', host.url(project.app, 'wrong'), 'main')
    expect(pushed.output).toContain('remote: The token is unknown or has expired. Log in with: paas login')
    expect(pushed.output).toContain('Authentication failed')
  })

  it('may come from a credential helper or a header', async () => {
    await using project = await host.newProject()
    const url = host.url(project.app).replace(/git:.*@/, '')
    const helper = `credential.helper=!f() { echo username=x; echo password=${host.owner.secret}; }; f`
    expect((await project.repository.git('-c', helper, 'push', url, 'main')).code).toBe(0)
    const header = `http.extraHeader=Authorization: Bearer ${host.owner.secret}`
    expect((await project.repository.git('-c', header, 'ls-remote', url)).output).toContain('refs/heads/main')
  })

  it('of somebody else is told that there is no such app', async () => {
    await using project = await host.newProject()
    const { secret } = host.newUser('visitor@example.com')
    const pushed = await project.repository.git('push', host.url(project.app, secret), 'main')
    expect(pushed.output).toContain(`remote: visitor@example.com has no app named ${project.app.name} on this server.`)
    expect(pushed.output).toContain('not found')
  })

  it('with a token that may only read is told so', async () => {
    await using project = await host.newProject()
    const { account } = host.owner
    const { secret } = host.store.tokens.create({ accountId: account.id, description: '', scope: ['read'] })
    const pushed = await project.repository.git('push', host.url(project.app, secret), 'main')
    expect(pushed.output).toContain(`remote: This token may not push to ${project.app.name}: its scope is read.`)
  })
})

describe('a clone', () => {
  it.each(['0', '1', '2'])('by protocol version %s has the app and only what is the app’s', async (version) => {
    await using project = await withNoise(200_000)
    await project.repository.git('push', 'paas', 'main')
    const clone = join(scratch, `clone-${version}`)
    const cloned = await run('git', ['-c', `protocol.version=${version}`, 'clone', host.url(project.app), clone], {
      env: gitEnvironment(),
    })
    expect(cloned.code).toBe(0)
    const inClone = (...argv: string[]) => run('git', argv, { cwd: clone, env: gitEnvironment() })
    expect((await inClone('rev-parse', 'HEAD')).output.trim()).toBe(await project.repository.head())
    expect((await inClone('ls-remote')).output).not.toContain('refs/paas')
    await project.repository.commit('More')
    await project.repository.git('push', 'paas', 'main')
    expect((await inClone('-c', `protocol.version=${version}`, 'pull', '--ff-only')).code).toBe(0)
    expect((await inClone('rev-parse', 'HEAD')).output.trim()).toBe(await project.repository.head())
  })

  it('of an app nobody pushed to is empty', async () => {
    const cloned = await run('git', ['clone', host.url(host.newApp()), join(scratch, 'empty')], {
      env: gitEnvironment(),
    })
    expect(cloned.output).toContain('You appear to have cloned an empty repository')
    expect(cloned.code).toBe(0)
  })

  it('may be shallow, and its history be fetched later', async () => {
    await using project = await host.newProject()
    for (let count = 0; count < 30; count++) await project.repository.commit(`Commit ${count}`)
    await project.repository.git('push', 'paas', 'main')
    const clone = join(scratch, 'shallow')
    await run('git', ['clone', '--depth=2', host.url(project.app), clone], { env: gitEnvironment() })
    expect((await run('git', ['rev-list', '--count', 'HEAD'], { cwd: clone })).output.trim()).toBe('2')
    expect((await run('git', ['fetch', '--unshallow'], { cwd: clone, env: gitEnvironment() })).code).toBe(0)
    expect((await run('git', ['rev-list', '--count', 'HEAD'], { cwd: clone })).output.trim()).toBe('31')
  })

  it('of a long history the client half has asks in compressed rounds', async () => {
    await using project = await host.newProject()
    for (let count = 0; count < 60; count++) await project.repository.commit(`Ours ${count}`)
    await project.repository.git('push', 'paas', 'main')
    await using other = await TestRepository.empty()
    for (let count = 0; count < 60; count++) await other.commit(`Theirs ${count}`)
    const fetched = await traced({ ...project, repository: other }, 'fetch', host.url(project.app), 'main')
    expect(fetched.output).toMatch(/header: content-encoding: gzip/i)
    expect(fetched.code).toBe(0)
  })

  it('does not get at the commit of a build that was refused', async () => {
    await using project = await host.newProject(async () => ({ code: 'build_failed', reason: 'no' }))
    await project.repository.git('push', 'paas', 'main')
    const commit = await project.repository.head()
    await using other = await TestRepository.empty()
    for (const version of ['0', '2']) {
      const url = host.url(project.app)
      expect((await other.git('-c', `protocol.version=${version}`, 'fetch', url, commit)).code).not.toBe(0)
    }
  })

  it('is told when its request is nothing git understands', async () => {
    const { app } = await host.newProject()
    const push = rawPush(app.name, [packet('hello')])
    const headers = { ...push.headers, 'content-type': 'application/x-git-upload-pack-request' }
    const socket = await openRaw(host.port, { ...push, headers, path: `/${app.name}.git/git-upload-pack` })
    let answer = ''
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
    await until('an answer', async () => /HTTP\/1\.1 (200|400)/.test(answer))
    expect(answer).toMatch(/HTTP\/1\.1 400|ERR /)
  })
})

function rawPush(app: string, body: Buffer[]) {
  const authorization = `Basic ${Buffer.from(`git:${host.owner.secret}`).toString('base64')}`
  return {
    method: 'POST',
    path: `/${app}.git/git-receive-pack`,
    headers: { authorization, 'content-type': 'application/x-git-receive-pack-request', connection: 'keep-alive' },
    body,
  }
}

async function headAndPack({ repository }: Project): Promise<Buffer> {
  const commit = await repository.head()
  const { stdout } = await promisify(execFile)(
    'sh',
    ['-c', `git rev-list --objects ${commit} | git pack-objects --quiet --stdout`],
    { cwd: repository.path, encoding: 'buffer' },
  )
  const line = packet(`${'0'.repeat(40)} ${commit} refs/heads/main\0report-status side-band-64k`)
  return Buffer.concat([line, flush, stdout])
}
