import { request } from 'node:http'
import { beforeEach, describe, expect, it } from 'vitest'
import { cacheName } from '../../../src/engine/docker/names.ts'
import type { App } from '../../../src/model/app.ts'
import type { Build } from '../../../src/model/build.ts'
import type { BuildId } from '../../../src/model/ids.ts'
import { openOutputWriters } from '../../../src/output/writer.ts'
import { makeCommit } from './make-commit.ts'
import { docker } from '../../engine/support.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()
let app: App
let commit: string
beforeEach(async () => {
  app = await api.newApp()
  commit = makeCommit(await api.repositories.ensure(app.id))
})

const build = (body: unknown) => api.call('POST', `/apps/${app.name}/builds`, { body })
const streamPath = async (id: string): Promise<string> => {
  const { body } = await api.call('GET', `/apps/${app.name}/builds/${id}`)
  return new URL(String(body['output_stream_url'])).pathname
}

function pendingBuild(): Build {
  const asked = {
    appId: app.id,
    accountId: app.ownerId,
    ref: null,
    previousCommit: null,
    noCache: false,
    detached: false,
  }
  return api.store.builds.create({ ...asked, commit }).build
}

describe('asking for a build', () => {
  it('records it for the commit that runs, keeps the commit and wakes the worker', async () => {
    api.deploy(app, commit)
    const { status, body } = await build({ no_cache: true })
    expect([status, body['status'], body['commit'], body['ref']]).toEqual([201, 'pending', commit, null])
    const recorded = api.store.builds.listUnfinished(app.id)
    expect(recorded).toMatchObject([{ id: body['id'], commit, noCache: true, ref: null }])
    expect(await api.takeJobs()).toEqual([{ kind: 'build', appId: app.id, buildId: body['id'] }])
  })

  it('has no cache after that was removed, whether there was one or not', async () => {
    const name = cacheName(api.serverId, app.id)
    const volumes = () => docker('volume', 'ls', '--quiet', '--filter', `name=${name}`)
    await docker('volume', 'create', name)
    for (const _ of ['there is one', 'there is none']) {
      expect(await api.call('DELETE', `/apps/${app.name}/build-cache`)).toMatchObject({ status: 200, body: {} })
      expect(await volumes()).toBe('')
    }
    const { body } = await api.call('GET', `/apps/${app.name}/disk`)
    expect(body).toMatchObject({ app: { name: app.name }, image_bytes: 0, cache_bytes: 0, log_bytes: 0 })
    expect(body['repository_bytes']).toBeGreaterThan(0)
    expect(body['total_bytes']).toEqual(body['repository_bytes'])
  })

  it('takes any commit the repository has', async () => {
    expect((await build({ commit })).body['commit']).toBe(commit)
  })

  it('takes the buildpacks of that build only', async () => {
    const url = 'https://example.com/pack.git#v1'
    const { status, body } = await build({ commit, buildpacks: [{ name: 'heroku/nodejs' }, { url }] })
    expect([status, body['buildpacks']]).toEqual([
      201,
      [
        { name: 'heroku/nodejs', url: 'urn:buildpack:heroku/nodejs' },
        { name: url, url },
      ],
    ])
    expect(api.store.builds.find(body['id'] as unknown as BuildId)?.buildpacks).toEqual(['nodejs', url])
    expect(api.store.buildpacks.list(app.id)).toEqual([])
    for (const buildpacks of [null, []]) {
      const { id } = (await build({ commit, buildpacks })).body
      expect(api.store.builds.find(id as unknown as BuildId)?.buildpacks).toBeNull()
    }
  })

  it.each<[string, unknown, number, RegExp]>([
    [
      'with a buildpack that there is not',
      { buildpacks: [{ name: 'heroku/scala' }] },
      422,
      /no buildpack "heroku\/scala"/,
    ],
    ['with a buildpack of a file', { buildpacks: [{ url: 'file:///etc' }] }, 422, /no buildpack "file:/],
    ['with a buildpack on this machine', { buildpacks: [{ url: 'https://127.0.0.1/x' }] }, 422, /not on the public/],
    ['for an app without a commit', {}, 422, /nothing to build yet.*git push paas main/],
    ['for a commit that was never pushed', { commit: 'f'.repeat(40) }, 404, /has no commit f{40}/],
    ['for a branch instead of a commit', { commit: 'main' }, 422, /commit must match/],
    ['for an option instead of a commit', { commit: '--help' }, 422, /commit must match/],
  ])('%s is refused', async (_, body, status, message) => {
    const answer = await build(body)
    expect(answer.status).toBe(status)
    expect(String(answer.body['message'])).toMatch(message)
    expect(api.store.builds.list(app.id)).toEqual([])
  })

  it('for a commit that runs but is no longer in the repository is refused, and nothing is recorded', async () => {
    api.deploy(app, 'e'.repeat(40))
    const { status, body } = await build({})
    expect([status, body['id']]).toEqual([404, 'not_found'])
    expect(api.store.builds.listUnfinished(app.id)).toEqual([])
  })

  it('supersedes one that waits', async () => {
    const first = (await build({ commit })).body
    await build({ commit })
    const after = await api.call('GET', `/apps/${app.name}/builds/${String(first['id'])}`)
    expect(after.body).toMatchObject({ status: 'failed', state: 'superseded', superseded_by: commit })
  })
})

describe('cancelling a build', () => {
  it('that waits ends it', async () => {
    const { id } = pendingBuild()
    const { body } = await api.call('DELETE', `/apps/${app.name}/builds/${id}`)
    expect(body).toMatchObject({ id, status: 'failed', state: 'cancelled' })
  })

  it('that runs asks for its end', async () => {
    const { id } = pendingBuild()
    api.store.builds.claim(id)
    const { body } = await api.call('DELETE', `/apps/${app.name}/builds/${id}`)
    expect(body).toMatchObject({ status: 'pending', state: 'running', cancel_requested: true })
  })

  it("of another app is answered as if it weren't there", async () => {
    const { id } = pendingBuild()
    await api.createApp('another')
    for (const method of ['GET', 'DELETE']) {
      expect((await api.call(method, `/apps/another/builds/${id}`)).status).toBe(404)
    }
    expect(api.store.builds.find(id)?.state.kind).toBe('pending')
  })
})

describe('the output of a build', () => {
  const writers = () =>
    openOutputWriters({ ...api.redis.deps, serverId: api.serverId, directory: api.config.paths.builds })

  it('is read at an address that is a secret of its own, without a token', async () => {
    const { id } = pendingBuild()
    api.store.builds.claim(id)
    await using open = writers()
    await using output = open.open(id)
    output.write('-----> Node.js app detected\n')
    await output.end()
    const path = await streamPath(id)
    const read = await api.call('GET', path, { token: null })
    expect([read.status, read.headers['content-type']]).toEqual([200, 'text/plain; charset=utf-8'])
    expect(read.text).toBe('-----> Node.js app detected\n')
    expect((await api.call('GET', `${path}?offset=7`, { token: null })).text).toBe('Node.js app detected\n')
    for (const forged of [path.slice(0, -1), `${path}x`, path.replace(/[^/]+$/, 'x'.repeat(43))]) {
      expect((await api.call('GET', forged, { token: null })).status).toBe(404)
    }
    expect((await api.call('GET', `${path}?offset=-1`, { token: null })).status).toBe(422)
  })

  it('comes as it is written', async () => {
    const { id } = pendingBuild()
    api.store.builds.claim(id)
    await using open = writers()
    await using output = open.open(id)
    const path = await streamPath(id)
    const chunks: string[] = []
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const { promise: first, resolve: gotFirst } = Promise.withResolvers<void>()
    request({ socketPath: api.config.paths.apiSocket, path }, (response) => {
      begin()
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        chunks.push(chunk)
        gotFirst()
      })
      response.on('end', end)
    }).end()
    await begun
    expect(chunks).toEqual([])
    output.write('one\n')
    await first
    expect(chunks.join('')).toBe('one\n')
    output.write('two\n')
    await output.end()
    await ended
    expect(chunks.join('')).toBe('one\ntwo\n')
  })

  it('of one that never runs ends, also while somebody waits for it', async () => {
    const { id } = pendingBuild()
    const path = await streamPath(id)
    const waiting = api.call('GET', path, { token: null })
    api.store.builds.requestCancel(id)
    expect((await waiting).text).toBe('')
    expect((await api.call('GET', path, { token: null })).text).toBe('')
  })

  it('is in its result too, by lines, once it is finished', async () => {
    const { id } = pendingBuild()
    api.store.builds.claim(id)
    const result = () => api.call('GET', `/apps/${app.name}/builds/${id}/result`)
    expect((await result()).body).toMatchObject({ exit_code: null, lines: [] })
    await using open = writers()
    await using output = open.open(id)
    output.write('one\ntwo')
    await output.end()
    api.store.builds.finish(id, 1, { kind: 'failed', finishedAt: new Date(), code: 'build_failed', reason: 'no' })
    expect((await result()).body).toMatchObject({
      build: { id, status: 'failed' },
      exit_code: 1,
      lines: [
        { line: 'one\n', stream: 'STDOUT' },
        { line: 'two', stream: 'STDOUT' },
      ],
    })
    const { body } = await api.call('GET', `/apps/${app.name}/builds/${id}`)
    expect(body['failure']).toEqual({ id: 'build_failed', message: 'no' })
  })
})

it('shows every route of its own', () => expectAllSeen('builds/builds.test.ts'))
