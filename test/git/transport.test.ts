import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { flush, packet } from '../../src/git/pkt-line.ts'
import { until } from '../helpers/app.ts'
import { gitEnvironment, run, TestRepository } from '../helpers/repository.ts'
import { startGitHost, type GitHost, type Project } from './git-host.ts'
import { openRaw, rawRequest } from './raw-http.ts'

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

  it('with 700 annotated tags beside the branch takes them all', async () => {
    await using project = await host.newProject()
    const tags = Array.from(
      { length: 700 },
      (_, n) => `tag v${n}\nfrom refs/heads/main\ntagger ${committer}\ndata 0\n\n`,
    )
    await fastImport(join(project.repository.path, '.git'), tags.join(''))
    const pushed = await project.repository.git('push', '--follow-tags', 'paas', 'main')
    expect(pushed.output).toMatch(/\[new branch\] +main -> main/)
    expect(pushed.output.match(/\[new tag\]/g)).toHaveLength(700)
    expect(pushed.code).toBe(0)
  })

  it('of a mirror with many refs gets a verdict for each, and the branch is deployed', async () => {
    await using project = await host.newProject()
    await withRefs(project, 700, 'refs/remotes/origin')
    const pushed = await project.repository.git('push', '--mirror', 'paas')
    expect(pushed.output).toMatch(/\[new branch\] +main -> main/)
    expect(pushed.output.match(/\(not a deploy branch; push HEAD:main\)/g)).toHaveLength(700)
    expect(pushed.code).toBe(1)
  })

  it('with more refs than the limit is refused with a reason for each', async () => {
    const app = host.newApp()
    const line = (n: number) => packet(`${'0'.repeat(40)} ${'1'.repeat(40)} refs/tags/v${n}\0report-status`)
    const list = Buffer.concat([...Array.from({ length: 5001 }, (_, n) => line(n)), flush])
    const { body } = await rawRequest(host.port, closing(rawPush(app.name, [list])))
    const why =
      /ng refs\/tags\/v\d+ The push has more than 5000 refs, the limit\. Push the branch that deploys, and tags in parts\./g
    expect(body.toString().match(why)).toHaveLength(5001)
    expect(host.store.builds.list(app.id)).toEqual([])
  })

  it('with more refs than are read gets a reason for those that were', async () => {
    const { name } = host.newApp()
    const line = (n: number) =>
      packet(`${'0'.repeat(40)} ${'1'.repeat(40)} refs/tags/${'x'.repeat(300)}${n}\0report-status`)
    const list = Buffer.concat([...Array.from({ length: 12_000 }, (_, n) => line(n)), flush])
    const { body } = await rawRequest(host.port, closing(rawPush(name, [list])))
    const told = body.toString().match(/ng refs\/tags\/x+\d+ The push has more than 5000 refs/g)?.length
    expect(told).toBeGreaterThan(9000)
    expect(told).toBeLessThan(12_000)
  })

  it.each([
    ['report-status', 'is told so', /^HTTP\/1\.1 200 .*unpack ok.*ok refs\/heads\/main/s],
    ['agent=none', 'gets an empty answer', /^HTTP\/1\.1 200 [^]*\r\n\r\n$/],
    ['side-band-64k', 'is shown the build', /^HTTP\/1\.1 200 .*-----> Built/s],
  ])('by a client that knows %s alone %s when the commit serves', async (capabilities, _, answer) => {
    await using project = await host.newProject()
    expect(await rawAnswer(project, capabilities)).toMatch(answer)
    expect(await host.repositories.resolve(project.app.id, 'refs/heads/main')).toBe(await project.repository.head())
  })

  it.each([
    ['agent=none', /^HTTP\/1\.1 422 .*The push was refused: refs\/heads\/main: build failed: no\. \(push_refused\)/s],
    ['side-band-64k', /^HTTP\/1\.1 200 .* !     refs\/heads\/main: build failed: no\n/s],
  ])('by a client that knows %s alone is not silent when the build fails', async (capabilities, answer) => {
    await using project = await host.newProject(async () => ({ code: 'build_failed', reason: 'no' }))
    expect(await rawAnswer(project, capabilities)).toMatch(answer)
  })

  it('that is broken, by a client that takes no report, is an HTTP error', async () => {
    await using project = await host.newProject()
    const head = Buffer.concat([packet(`${'0'.repeat(40)} ${'1'.repeat(40)} refs/heads/main\0agent=none`), flush])
    const { status, body } = await rawRequest(host.port, closing(rawPush(project.app.name, [head])))
    expect([status, body.toString()]).toEqual([422, expect.stringContaining('the pack is broken or incomplete')])
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

  it('is not taken when the token is revoked before all of the pack has come', async () => {
    await using project = await host.newProject()
    const { secret } = host.newUser('owner@example.com')
    const all = await headAndPack(project)
    const request = closing(rawPush(project.app.name, [all.subarray(0, -20)], secret))
    const socket = await openRaw(host.port, { ...request, framing: all.length })
    const answer = text(socket)
    const objects = join(host.repositoryPath(project.app), 'objects')
    await until('the pack is coming', async () => {
      return existsSync(objects) && readdirSync(objects).some((name) => name.startsWith('tmp_objdir'))
    })
    host.store.tokens.remove(host.store.tokens.authenticate(secret)!.token.id)
    socket.write(all.subarray(-20))
    expect(await answer).toContain('ng refs/heads/main The token of this request was revoked.')
  })

  it('that is silent for long is kept alive', async () => {
    const { promise, resolve } = Promise.withResolvers<'succeeded'>()
    await using project = await host.newProject(() => promise)
    const socket = await openRaw(host.port, rawPush(project.app.name, [await headAndPack(project)]))
    let answer = ''
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')))
    await until('a keep-alive', async () => answer.includes('0005\u0001'), 15_000)
    resolve('succeeded')
    await expect.poll(() => answer).toContain('ok refs/heads/main')
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
    await withHistory(project.repository, 'refs/heads/main^0')
    await project.repository.git('push', 'paas', 'main')
    await using other = await TestRepository.empty()
    await withHistory(other)
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

  it('of very many refs asks for more than the client’s buffer holds', async () => {
    await using project = await host.newProject()
    await project.repository.git('push', 'paas', 'main')
    const served = host.repositoryPath(project.app)
    const commits = Array.from(
      { length: 2000 },
      (_, n) => `commit refs/paas/x\nmark :${n + 1}\ncommitter ${committer}\ndata 0\n\n`,
    )
    await fastImport(served, commits.join(''))
    const marks = (await readFile(join(served, 'import.marks'), 'utf8')).trim().split('\n')
    await packRefs(
      served,
      marks.map((mark) => mark.split(' ')[1] ?? ''),
      (n) => `refs/tags/v${n}`,
    )
    for (const version of ['0', '2']) {
      const settings = ['-c', `protocol.version=${version}`, '-c', 'http.postBuffer=65536']
      const clone = join(scratch, `chunked-${version}`)
      const cloned = await traced(project, ...settings, 'clone', '--bare', host.url(project.app), clone)
      expect(cloned.output).toMatch(/header: transfer-encoding: chunked/i)
      expect(cloned.code).toBe(0)
    }
  })

  it.each([
    ['nothing but a flush', () => [flush]],
    ['a commit, and not yet what it has', (commit: string) => [packet(`want ${commit}\n`), flush]],
  ])('may ask with %s', async (_, body) => {
    await using project = await host.newProject()
    await project.repository.git('push', 'paas', 'main')
    const request = closing(rawPush(project.app.name, body(await project.repository.head())))
    const headers = { ...request.headers, 'content-type': 'application/x-git-upload-pack-request' }
    const path = `/${project.app.name}.git/git-upload-pack`
    const answer = await rawRequest(host.port, { ...request, headers, path })
    expect([answer.status, answer.body.toString()]).toEqual([200, ''])
    expect(answer.head).toContain('Content-Type: application/x-git-upload-pack-result')
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

/** Refs as git packs them, which is far quicker than a file for each. `name` takes a number from 0. */
async function packRefs(gitDirectory: string, commits: string[], name: (n: number) => string): Promise<void> {
  const lines = commits.map((commit, n) => `${commit} ${name(n)}\n`)
  await writeFile(join(gitDirectory, 'packed-refs'), `# pack-refs with: \n${lines.join('')}`)
}

/** Runs git fast-import(1) in a repository, without any ref for each object. */
async function fastImport(gitDirectory: string, input: string): Promise<void> {
  const file = join(gitDirectory, 'import')
  await writeFile(file, input)
  await run('sh', ['-c', `git --git-dir=${gitDirectory} fast-import --quiet --export-marks=${file}.marks <${file}`])
}

async function withRefs({ repository }: Project, count: number, under: string): Promise<void> {
  const commits = Array.from({ length: count }, () => '').fill(await repository.head())
  await packRefs(join(repository.path, '.git'), commits, (n) => `${under}/v${n}`)
}

/** 60 more commits on main, which has one already if they are to go on `from` it. */
async function withHistory({ path }: TestRepository, from?: string): Promise<void> {
  const start = from === undefined ? '' : `from ${from}\n\n`
  const commits = Array.from(
    { length: 60 },
    (_, n) => `commit refs/heads/main\ncommitter ${committer}\ndata 0\n\n${n === 0 ? start : ''}`,
  )
  await fastImport(join(path, '.git'), commits.join(''))
}

const committer = 'A Developer <developer@example.com> 1700000000 +0000'

/** All that comes back of a push of main by a client with these capabilities. */
async function rawAnswer(project: Project, capabilities: string): Promise<string> {
  const request = closing(rawPush(project.app.name, [await headAndPack(project, capabilities)]))
  const { head, body } = await rawRequest(host.port, request)
  return `${head}\r\n\r\n${body.toString()}`
}

function closing(request: ReturnType<typeof rawPush>) {
  return { ...request, headers: { ...request.headers, connection: 'close' } }
}

function rawPush(app: string, body: Buffer[], secret = host.owner.secret) {
  const authorization = `Basic ${Buffer.from(`git:${secret}`).toString('base64')}`
  return {
    method: 'POST',
    path: `/${app}.git/git-receive-pack`,
    headers: { authorization, 'content-type': 'application/x-git-receive-pack-request', connection: 'keep-alive' },
    body,
  }
}

async function headAndPack({ repository }: Project, capabilities = 'report-status side-band-64k'): Promise<Buffer> {
  const commit = await repository.head()
  const { stdout } = await promisify(execFile)(
    'sh',
    ['-c', `git rev-list --objects ${commit} | git pack-objects --quiet --stdout`],
    { cwd: repository.path, encoding: 'buffer' },
  )
  const line = packet(`${'0'.repeat(40)} ${commit} refs/heads/main\0${capabilities}`)
  return Buffer.concat([line, flush, stdout])
}
