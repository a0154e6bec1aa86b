import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { gunzipSync, gzipSync } from 'node:zlib'
import { pack, type Header } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { forEachEntry } from '../../../src/tar.ts'
import type { App } from '../../../src/model/app.ts'
import type { SlugId } from '../../../src/model/ids.ts'
import { removeFromEngine } from '../../helpers/engine.ts'
import { tarballOf } from '../../helpers/tarball.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi, type Answer, type Json } from '../test-api.ts'

let api: TestApi
let app: App
beforeAll(async () => {
  api = await TestApi.start({ PAAS_MAX_SLUG_MIB: '1', PAAS_MAX_PUSH_MIB: '2', PAAS_MAX_SOURCE_FILES: '200' })
  await api.createApp('acme')
  app = api.store.apps.find('acme')!
})
afterAll(async () => {
  await removeFromEngine(api.serverId)
  await api[Symbol.asyncDispose]()
})

type Entry = Partial<Header> & { name: string }

/** A gzipped tar of entries as they are said, each with its content. */
async function archiveOf(...entries: [Entry, string?][]): Promise<Buffer> {
  const tar = pack()
  for (const [header, content] of entries) {
    if (content === undefined) tar.entry(header)
    else tar.entry(header, content)
  }
  tar.finalize()
  return gzipSync(await buffer(tar as unknown as Readable))
}

const web = { process_types: { web: 'node server.js' } }
const ask = (body: object, { path = '/apps/acme/slugs', token = api.token } = {}) =>
  api.call('POST', path, { body, token })
const pathOf = (slug: Json) => new URL(String(slug['blob']!['url'])).pathname
const put = (path: string, body: Buffer) =>
  api.call('PUT', path, { body, token: null, headers: { 'content-type': '' } })
const refused = ({ status, body }: Answer) => `${status} ${String(body['id'])}: ${String(body['message'])}`
const show = async (slug: Json, name = 'acme') =>
  (await api.call('GET', `/apps/${name}/slugs/${String(slug['id'])}`)).body
const release = (name: string, body: object, token = api.token) =>
  api.call('POST', `/apps/${name}/releases`, { body, token })

/** A slug of these files. */
async function uploaded(archive: Buffer, asked: object = web): Promise<Json> {
  const { body } = await ask(asked)
  expect((await put(pathOf(body), archive)).status).toBe(200)
  return body
}

async function fetchBytes(path: string): Promise<Buffer> {
  const outgoing = request({ socketPath: api.config.paths.apiSocket, path, headers: { host: 'localhost' } }).end()
  const [answer] = (await new Promise((settle) => outgoing.once('response', (...got) => settle(got)))) as [Readable]
  return buffer(answer)
}

/** What is in an archive: name → what it is, of whom, and its content. */
async function contentsOf(archive: Buffer): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  await forEachEntry(Readable.from([gunzipSync(archive)]), async (entry) => {
    const { name, type, mode, linkname, uid } = entry.header
    found[name] = [type, mode.toString(8), uid, linkname ?? '', (await buffer(entry)).toString()]
  })
  return found
}

describe('a slug', () => {
  it('is asked for, takes its files at an address that is its secret, and gives them back', async () => {
    const archive = await tarballOf({ './app/server.js': 'serve()', './app/lib/a.js': 'a()' })
    const sha256 = createHash('sha256').update(archive).digest('hex')
    const told = { commit: 'v1.2-3', commit_description: 'better', buildpack_provided_description: 'Node.js' }
    const { status, body } = await ask({
      ...web,
      ...told,
      checksum: `SHA256:${sha256.toUpperCase()}`,
      stack: 'debian-13',
    })
    expect([status, body]).toMatchObject([201, { ...told, ...web, size: null, blob: { method: 'put' } }])
    expect(refused(await api.call('GET', pathOf(await show(body)), { token: null }))).toMatch(/^422 slug_empty/)
    expect(refused(await release('acme', { slug: body['id'] }))).toMatch(/^422 slug_empty: Nothing was uploaded/)
    expect((await put(pathOf(body), archive)).status).toBe(200)
    const slug = await show(body)
    expect(slug).toMatchObject({ ...told, ...web, id: body['id'], size: 10, checksum: `SHA256:${sha256}` })
    expect(slug['blob']!['method']).toBe('get')
    expect((await api.call('GET', pathOf(slug), { token: null })).headers['content-type']).toBe('application/gzip')
    expect(await contentsOf(await fetchBytes(pathOf(slug)))).toEqual({
      './app/': ['directory', '755', 1000, '', ''],
      './app/server.js': ['file', '644', 1000, '', 'serve()'],
      './app/lib/': ['directory', '755', 1000, '', ''],
      './app/lib/a.js': ['file', '644', 1000, '', 'a()'],
    })
  })

  it('that was fetched and uploaded again is the same, links and modes included', async () => {
    const first = await uploaded(
      await archiveOf(
        [{ name: './', type: 'directory' }],
        [{ name: 'app/bin/run', mode: 0o4755 }, '#!/bin/sh'],
        [{ name: 'app/bin/same', mode: 0o755, type: 'link', linkname: 'app/bin/run' }],
        [{ name: 'app/python', type: 'symlink', linkname: '/usr/bin/python3' }],
        [{ name: 'app/.git/config' }, 'left out'],
      ),
    )
    const archive = await fetchBytes(pathOf(await show(first)))
    const second = await uploaded(archive)
    const again = await fetchBytes(pathOf(await show(second)))
    expect(await contentsOf(again)).toEqual(await contentsOf(archive))
    expect(await contentsOf(again)).toMatchObject({
      './app/bin/run': ['file', '755', 1000, '', '#!/bin/sh'],
      './app/bin/same': ['link', '755', 1000, './app/bin/run', ''],
      './app/python': ['symlink', '777', 1000, '/usr/bin/python3', ''],
    })
    expect(Object.keys(await contentsOf(again)).join()).not.toContain('.git')
  })

  it('keeps what its app.json says of it', async () => {
    const slug = await uploaded(await tarballOf({ 'app/app.json': '{"healthchecks":{}}', 'app/a': 'a' }))
    expect(api.store.slugs.find(slug['id'] as unknown as SlugId)?.appJson).toMatchObject({ healthcheck: null })
  })

  it('sent twice at once is one of both', async () => {
    const { body } = await ask(web)
    const [one, two] = [await tarballOf({ 'app/a': 'one' }), await tarballOf({ 'app/a': 'two' })]
    const [first, second] = await Promise.all([put(pathOf(body), one), put(pathOf(body), two)])
    expect([first.status, second.status].toSorted((a, b) => a - b)).toEqual([200, 409])
    const kept = first.status === 200 ? 'one' : 'two'
    expect((await contentsOf(await fetchBytes(pathOf(await show(body)))))['./app/a']).toContain(kept)
  })

  it('takes its files once', async () => {
    const slug = await uploaded(await tarballOf({ 'app/a': 'a' }))
    expect(refused(await put(pathOf(slug), await tarballOf({ 'app/a': 'b' })))).toMatch(/^409 slug_taken/)
  })

  it.each<[string, () => Promise<Buffer> | Buffer, RegExp]>([
    ['no tarball', () => Buffer.from('nothing of the kind'), /slug_invalid: The slug is not a gzipped tarball/],
    [
      'a zip',
      () => Buffer.from('PK\u0003\u0004 a file'),
      /slug_invalid: The slug is not a gzipped tarball: it is a zip archive/,
    ],
    ['nothing', () => Buffer.alloc(0), /slug_invalid: The slug is not a gzipped tarball: it is empty/],
    [
      'half an archive',
      async () => (await tarballOf({ 'app/a': 'x'.repeat(5000) })).subarray(0, -20),
      /truncated or damaged/,
    ],
    ['no file', () => archiveOf(), /slug_invalid: The slug cannot be deployed: it has no files/],
    ['a file beside ./app', () => tarballOf({ 'app/a': 'a', 'etc/passwd': 'x' }), /"etc\/passwd" is not in \.\/app/],
    ['a path that leads out', () => tarballOf({ './app/../../etc/cron.d/x': 'x' }), /leads outside of it/],
    ['an absolute path', () => tarballOf({ '/app/x': 'x' }), /is an absolute path/],
    [
      'a device',
      () => archiveOf([{ name: 'app/sda', type: 'block-device' }]),
      /"app\/sda" is a block-device, not a file/,
    ],
    ['a pipe', () => archiveOf([{ name: 'app/p', type: 'fifo' }]), /is a fifo, not a file/],
    [
      './app that is a link',
      () => archiveOf([{ name: 'app', type: 'symlink', linkname: '/etc' }]),
      /\.\/app is not a directory/,
    ],
    [
      'a file through a link',
      () => archiveOf([{ name: 'app/l', type: 'symlink', linkname: '/etc' }], [{ name: 'app/l/passwd' }, 'x']),
      /"app\/l" is not a directory, but contains "app\/l\/passwd"/,
    ],
    [
      'a hard link to what is not its own',
      () => archiveOf([{ name: 'app/shadow', type: 'link', linkname: '/etc/shadow' }]),
      /is an absolute path/,
    ],
    [
      'a hard link to a link',
      () =>
        archiveOf(
          [{ name: 'app/l', type: 'symlink', linkname: '/etc/shadow' }],
          [{ name: 'app/h', type: 'link', linkname: 'app/l' }],
        ),
      /is a link to "app\/l", which is not an earlier file/,
    ],
    ['a name twice', () => archiveOf([{ name: 'app/a' }, 'a'], [{ name: './app/a' }, 'b']), /"app\/a" appears twice/],
    ['what takes files away', () => tarballOf({ 'app/.wh..wh..opq': '' }), /begins with \.wh\./],
    [
      'too much',
      () => tarballOf({ 'app/a': '\0'.repeat(2 ** 20 + 1) }),
      /slug_too_large: The slug is over the limit of 1 MiB/,
    ],
    [
      'many directories that nobody listed',
      () => archiveOf(...[1, 2, 3].map((n): [Entry, string] => [{ name: `app/${n}/${'d/'.repeat(90)}f` }, ''])),
      /slug_invalid: The slug has more than 200 files and directories/,
    ],
    ['an app.json that is none', () => tarballOf({ 'app/app.json': '{' }), /app_json_invalid/],
  ])('of %s is refused, and can be sent again', async (_, archive, message) => {
    const { body } = await ask(web)
    const answer = await put(pathOf(body), await archive())
    expect([answer.status, refused(answer)]).toEqual([422, expect.stringMatching(message)])
    expect(api.store.slugs.find(body['id'] as unknown as SlugId)).toBeUndefined()
    expect((await put(pathOf(body), await tarballOf({ 'app/a': 'a' }))).status).toBe(200)
  })

  it('that is packed to a thousandth is held to what it unpacks to', async () => {
    const bomb = await tarballOf({ 'app/a': '\0'.repeat(64 * 2 ** 20) })
    expect(bomb.length).toBeLessThan(2 ** 20)
    const { body } = await ask(web)
    expect(refused(await put(pathOf(body), bomb))).toMatch(/^422 slug_too_large/)
  })

  it('with another checksum is refused, also when something follows the archive', async () => {
    const archive = await tarballOf({ 'app/a': 'a' })
    const checksum = `SHA256:${createHash('sha256').update(archive).digest('hex')}`
    const { body } = await ask({ ...web, checksum })
    const other = await tarballOf({ 'app/a': 'b' })
    for (const wrong of [other, Buffer.concat([archive, Buffer.alloc(300_000)])]) {
      expect(refused(await put(pathOf(body), wrong))).toMatch(/^422 checksum_wrong/)
    }
    expect((await put(pathOf(body), archive)).status).toBe(200)
  })

  it('larger than a push may be is refused before it is read', async () => {
    const { body } = await ask(web)
    const headers = { 'content-type': '', 'content-length': String(2 ** 30) }
    const answer = await api.call('PUT', pathOf(body), { body: Buffer.from('x'), token: null, headers })
    expect(refused(answer)).toMatch(/^413 payload_too_large: The tarball has 1024 MiB; the limit is 2 MiB/)
  })

  it('is at no address but its own', async () => {
    const slug = await uploaded(await tarballOf({ 'app/a': 'a' }))
    const place = pathOf((await ask(web)).body)
    const source = pathOf(await show(slug))
    const wrong = [
      ['PUT', `${place.slice(0, -2)}xx`],
      ['GET', `${source.slice(0, -2)}xx`],
      ['PUT', source.replace('/get/', '/put/')],
    ] as const
    for (const [method, path] of wrong) {
      expect(
        (
          await api.call(method, path, {
            token: null,
            ...(method === 'PUT' && { body: 'x' }),
            headers: { 'content-type': '' },
          })
        ).status,
      ).toBe(404)
    }
  })

  it.each<[object, RegExp]>([
    [{}, /"process_types" is missing/],
    [{ process_types: {} }, /process_types must have a process type/],
    [{ process_types: { 'no type': 'x' } }, /process_types has "no type", which is not a valid process type/],
    [{ process_types: { web: ' ' } }, /process_types\.web must be one line with a command/],
    [{ process_types: { web: 'a\nb' } }, /process_types\.web must be one line with a command/],
    [{ ...web, stack: 'heroku-24' }, /There is no stack "heroku-24"/],
    [{ ...web, checksum: 'md5:1' }, /checksum must match/],
    [{ ...web, commit: 'a\nReleased v9' }, /commit must be one line of text/],
    [{ ...web, more: 1 }, /"more" is not known/],
  ])('%j is refused', async (body, message) => {
    expect(refused(await ask(body))).toMatch(message)
  })

  it('is given to nobody who has a hundred that wait', async () => {
    const { id } = api.store.apps.create({ name: 'greedy', ownerId: api.admin.id, stack: 'debian-13' })
    const draft = { appId: id, processTypes: {}, buildpack: null, commit: null, commitDescription: null, sha256: null }
    for (let n = 0; n < 100; n++) api.store.slugDrafts.create({ ...draft, expiresAt: new Date(Date.now() + 60_000) })
    expect(refused(await ask(web, { path: '/apps/greedy/slugs' }))).toMatch(/^429 slugs_limit: greedy has 100 slugs/)
  })

  it('is one of few: after four times the largest no more are taken within the hour', async () => {
    await api.createApp('hoarder')
    const large = await tarballOf({ 'app/a': 'x'.repeat(2 ** 20) })
    const send = async () => put(pathOf((await ask(web, { path: '/apps/hoarder/slugs' })).body), large)
    for (let n = 0; n < 4; n++) expect((await send()).status).toBe(200)
    expect(refused(await send())).toMatch(/^429 slugs_limit: hoarder received slugs of 4 MiB within an hour/)
  })
})

describe('the release of a slug', () => {
  it('has the config vars of now and is named by its commit, its id or as one says', async () => {
    const slug = await uploaded(await tarballOf({ 'app/a': 'a' }), { ...web, commit: 'abcdef0123' })
    await api.call('PATCH', '/apps/acme/config-vars', { body: { A: 'now' } })
    await api.takeJobs()
    const { status, body } = await release('acme', { slug: slug['id'] })
    expect([status, body]).toMatchObject([
      201,
      { description: 'Deploy abcdef01', status: 'pending', slug: { id: slug['id'] } },
    ])
    expect(api.store.releases.config(body['id'] as never)).toEqual({ A: 'now' })
    expect(await api.takeJobs()).toEqual([{ kind: 'converge', appId: app.id }])
    const named = await release('acme', { slug: slug['id'], description: 'By hand' })
    expect(named.body['description']).toBe('By hand')
    const nameless = await uploaded(await tarballOf({ 'app/a': 'a' }))
    expect((await release('acme', { slug: nameless['id'] })).body['description']).toBe(
      `Deploy ${String(nameless['id']).slice(0, 8)}`,
    )
  })

  it('of another app takes the role that may read its source; others find none', async () => {
    const slug = await uploaded(await tarballOf({ 'app/a': 'a' }))
    const { account, token } = api.stranger('promoter@example.com')
    const theirs = await api.createApp('production', token)
    const ask = () => release('production', { slug: slug['id'] }, token)
    const unknown = await release('production', { slug: 'none' }, token)
    const foreign = await ask()
    expect(refused(foreign)).toBe(refused(unknown).replace('"none"', `"${String(slug['id'])}"`))
    expect(foreign.status).toBe(404)
    api.store.collaborators.set(app.id, account.id, 'view')
    expect(refused(await ask())).toMatch(/^403 forbidden: You have the role view for acme/)
    api.store.collaborators.set(app.id, account.id, 'deploy')
    expect((await ask()).body).toMatchObject({ app: { id: theirs['id'] }, slug: { id: slug['id'] } })
    api.store.collaborators.remove(app.id, account.id)
    const seen = await api.call('GET', `/apps/production/slugs/${String(slug['id'])}`, { token })
    expect([seen.status, seen.body['id']]).toEqual([200, slug['id']])
  })

  it('goes on when the app that made it goes', async () => {
    await api.createApp('maker')
    await api.createApp('keeper')
    const { slug } = api.deploy(api.store.apps.find('maker')!)
    expect((await release('keeper', { slug: slug.id })).status).toBe(201)
    api.store.apps.remove(slug.appId)
    expect(await show({ id: slug.id } as unknown as Json, 'keeper')).toMatchObject({ id: slug.id, commit: slug.commit })
  })

  it.each([
    [{}, /Send "slug"/],
    [{ slug: 'x', release: 'v1' }, /Send "slug"/],
    [{ release: 'v1', description: 'x' }, /Send "slug"/],
    [{ slug: 'x', description: 'a\nb' }, /description must be one line/],
    [{ slug: 'none' }, /There is no slug "none"/],
  ])('%j is refused', async (body, message) => {
    expect(refused(await release('acme', body))).toMatch(message)
  })
})

it('a slug that was built with a Dockerfile has no archive, and one whose image is gone says so', async () => {
  const { slug } = api.deploy(app, 'd'.repeat(40), { web: null })
  expect(refused(await api.call('GET', pathOf(await show(slug as unknown as Json)), { token: null }))).toMatch(
    /^422 slug_not_packable/,
  )
  const swept = api.deploy(app, 'e'.repeat(40)).slug
  expect(refused(await api.call('GET', pathOf(await show(swept as unknown as Json)), { token: null }))).toMatch(
    /^409 image_missing/,
  )
})

it('shows every route of its own', () => expectAllSeen('builds/slugs.test.ts'))
