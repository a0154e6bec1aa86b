import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { request, type ClientRequest } from 'node:http'
import { describe, expect, it } from 'vitest'
import type { BuildId, SourceId } from '../../../src/model/ids.ts'
import { sourcePath } from '../../../src/model/source.ts'
import { sweepSources } from '../../../src/worker/sweep-sources.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi, type Answer } from '../test-api.ts'

const api = await TestApi.forFile()
const app = await api.newApp('acme')

type Place = { id: SourceId; put: string; get: string }

async function newSource(path = '/sources', token = api.token): Promise<Place> {
  const { status, body } = await api.call('POST', path, { token })
  expect(status).toBe(201)
  const { put_url, get_url } = body['source_blob']!
  const put = new URL(String(put_url)).pathname
  return { id: put.split('/')[2] as SourceId, put, get: String(get_url) }
}

const put = (path: string, body: Buffer, headers: Record<string, string> = { 'content-type': '' }) =>
  api.call('PUT', path, { body, token: null, headers })
const build = (blob: object, token = api.token) =>
  api.call('POST', '/apps/acme/builds', { body: { source_blob: blob }, token })
const refused = ({ status, body }: Answer) => `${status} ${String(body['id'])}: ${String(body['message'])}`

describe('a source', () => {
  it('takes a tarball at an address that is its secret, and gives it back', async () => {
    const { id, put: path, get } = await newSource()
    const bytes = Buffer.from('any bytes\0\u{1f600}')
    expect(refused(await build({ url: get }))).toMatch(/^422 source_missing: Nothing was uploaded/)
    expect((await put(path, bytes)).status).toBe(200)
    expect(await readFile(sourcePath(api.config.paths.sources, id))).toEqual(bytes)
    const back = await api.call('GET', new URL(get).pathname, { token: null })
    expect([back.status, back.text, back.headers['content-type']]).toEqual([200, bytes.toString(), 'application/gzip'])
  })

  it('is made for an app too, by those who may deploy it', async () => {
    await newSource('/apps/acme/sources')
    const { token } = api.stranger('looking@example.com')
    expect((await api.call('POST', '/apps/acme/sources', { token })).status).toBe(404)
    const readOnly = api.tokenOf(api.admin, ['read'])
    expect((await api.call('POST', '/sources', { token: readOnly })).status).toBe(403)
  })

  it('takes one tarball only, of whatever type the client says it is', async () => {
    const { put: path } = await newSource()
    expect((await put(path, Buffer.from('one'), { 'content-type': 'application/x-gzip' })).status).toBe(200)
    expect(refused(await put(path, Buffer.from('two')))).toMatch(
      /^409 source_taken: .* already uploaded.*POST \/sources/,
    )
  })

  it.each([
    ['a wrong signature', (path: string) => `${path.slice(0, -2)}xx`],
    ['the other direction', (path: string) => path.replace('/put/', '/get/')],
    ['another source', (path: string) => path.replace(/[0-9a-f]{8}-/, '00000000-')],
  ])('takes nothing at %s', async (_, change) => {
    const { put: path } = await newSource()
    expect([404, 405, 415]).toContain((await put(change(path), Buffer.from('x'))).status)
    expect((await put(path, Buffer.from('x'))).status).toBe(200)
  })

  it('takes nothing larger than a push may be, and is empty again then', async () => {
    const { id, put: path } = await newSource()
    const claimed = await put(path, Buffer.from('x'), { 'content-length': String(10 * 2 ** 30) })
    expect(refused(claimed)).toMatch(/^413 payload_too_large: The tarball has 10240 MiB; the limit is 500 MiB/)
    expect(api.store.sources.find(id)?.state.kind).toBe('empty')
  })

  it('that was cut off may be sent again, and leaves nothing of the first try', async () => {
    const { id, put: path } = await newSource()
    const outgoing = sendHalf(path)
    await expect.poll(() => api.store.sources.find(id)?.state.kind).toBe('uploading')
    outgoing.destroy()
    await expect.poll(() => api.store.sources.find(id)?.state.kind).toBe('empty')
    expect(existsSync(`${sourcePath(api.config.paths.sources, id)}.part`)).toBe(false)
    expect((await put(path, Buffer.from('whole'))).status).toBe(200)
  })

  it('is over after its time, and its tarball goes once no build needs it', async () => {
    const { id, put: path, get } = await newSource()
    await put(path, Buffer.from('x'))
    const asked = await build({ url: get, version: 'old' })
    const later = new Date(Date.now() + 3600_001)
    const deps = { store: api.store, directory: api.config.paths.sources }
    await sweepSources(deps, later)
    expect(api.store.sources.find(id)).toBeDefined()
    await api.call('DELETE', `/apps/acme/builds/${String(asked.body['id'])}`)
    await sweepSources(deps, later)
    expect(api.store.sources.find(id)).toBeUndefined()
    expect(await readdir(api.config.paths.sources)).toEqual([])
    expect(refused(await build({ url: get }))).toMatch(
      /^404 not_found: There is no such source, or its URL has expired/,
    )
    expect((await put(path, Buffer.from('x'))).status).toBe(404)
  })

  it('is given to nobody who has a hundred', async () => {
    const { account, token } = api.stranger('greedy@example.com')
    for (let n = 0; n < 100; n++) api.store.sources.create(account.id, new Date(Date.now() + 60_000))
    expect(refused(await api.call('POST', '/sources', { token }))).toMatch(/^429 sources_limit: You have 100 sources/)
    await newSource()
  })
})

describe('a build of a source', () => {
  it('is recorded with what it is called and what it must be, and wakes the worker', async () => {
    const { put: path, get } = await newSource()
    const bytes = Buffer.from('a tarball')
    await put(path, bytes)
    await api.takeJobs()
    const checksum = `SHA256:${createHash('sha256').update(bytes).digest('hex').toUpperCase()}`
    const { status, body } = await build({ url: get, version: 'v1.2', version_description: 'better', checksum })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      status: 'pending',
      commit: null,
      source_blob: {
        url: expect.stringContaining(get.slice(0, get.lastIndexOf('/'))),
        version: 'v1.2',
        version_description: 'better',
        checksum: `SHA256:${checksum.slice(7).toLowerCase()}`,
      },
    })
    expect(await api.takeJobs()).toEqual([{ kind: 'build', appId: app.id, buildId: body['id'] }])
  })

  it('supersedes one that waits, which says by what', async () => {
    const { put: path, get } = await newSource()
    await put(path, Buffer.from('x'))
    const first = await build({ url: get })
    await build({ url: get, version: 'v2' })
    const after = await api.call('GET', `/apps/acme/builds/${String(first.body['id'])}`)
    expect(after.body).toMatchObject({ state: 'superseded', superseded_by: 'v2' })
  })

  it.each<[object, RegExp]>([
    [{ url: 5 }, /source_blob\.url must be a string/],
    [{}, /source_blob: "url" is missing/],
    [{ url: 'x', checksum: 'md5:1' }, /source_blob\.checksum must match/],
    [{ url: 'x', version: 5 }, /source_blob\.version must be a string or null/],
    [{ url: 'x', more: 1 }, /source_blob: "more" is not known/],
    [{ url: 'file:///etc/passwd' }, /source_blob\.url must be a host after https:\/\/ or http:\/\//],
    [{ url: 'http://169.254.169.254/latest' }, /169\.254\.169\.254 \(port 80\) is not on the public internet/],
  ])('%j is refused', async (blob, message) => {
    const answer = await build(blob)
    expect([answer.status, String(answer.body['message'])]).toEqual([422, expect.stringMatching(message)])
  })

  it('at another address shows of it what cannot be a secret', async () => {
    const url = 'https://user:password@example.com/acme.tgz?token=secret'
    const { status, body } = await build({ url })
    expect([status, body['source_blob']]).toMatchObject([201, { url: 'https://example.com/acme.tgz', version: '' }])
    const stored = api.store.builds.source(body['id'] as unknown as BuildId)
    expect(stored?.from).toEqual({ kind: 'url', url })
  })

  it('with a name of several lines is refused', async () => {
    const { put: path, get } = await newSource()
    await put(path, Buffer.from('x'))
    expect(refused(await build({ url: get, version: 'v1\nReleased v9' }))).toMatch(/version must be one line of text/)
  })

  it('shows every route of its own', () => expectAllSeen('builds/sources.test.ts'))
})

/** Sends a part of what it announces. */
function sendHalf(path: string): ClientRequest {
  const headers = { host: 'localhost', 'content-length': '1000' }
  const outgoing = request({ socketPath: api.config.paths.apiSocket, method: 'PUT', path, headers })
  outgoing.on('error', () => undefined)
  outgoing.write('half')
  return outgoing
}
