import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTreeMaker, makeTree, type TreeMaker } from '../../src/build/make-tree.ts'
import { loadConfig } from '../../src/config.ts'
import { treesAt } from '../../src/engine/docker/host.ts'
import type { Sandbox } from '../../src/engine/engine.ts'
import { serveGate } from '../../src/gate/server.ts'
import { createLog } from '../../src/log.ts'
import { appUser } from '../../src/model/app-user.ts'
import type { TreeOrder } from '../../src/model/tree-order.ts'
import { forEachEntry } from '../../src/tar.ts'
import { docker, never, shell, testEngine, type TestEngine } from '../engine/support.ts'

const config = loadConfig()
const engineSocket = config.docker.kind === 'socket' ? config.docker.path : ''

let life: AsyncDisposableStack
let server: TestEngine
let gate = ''
let sandbox: Sandbox
beforeAll(async () => {
  life = new AsyncDisposableStack()
  server = life.use(await testEngine())
  const directory = life.adopt(await mkdtemp(join(tmpdir(), 'paas-gate-')), (at) => rm(at, { recursive: true }))
  gate = join(directory, 'gate.sock')
  const { serverId } = server
  const log = createLog('test', 'fatal')
  life.use(await serveGate({ engineSocket, socketPath: gate, config, serverId, ancestors: [], makeTree, log }))
  sandbox = life.use(await server.sandbox({ cacheAt: '/cache' }))
  await shell(sandbox, script)
})
afterAll(() => life.disposeAsync())

const script = `
  cd /tmp && mkdir -p app/node_modules/.bin && cd app/node_modules
  echo one >one; chmod 4755 one; ln -s ../one .bin/one; ln one two; mkfifo pipe
  cd /tmp && tar --create --format=gnu --file=tree.tar app/node_modules
  head -c 1000 tree.tar >cut.tar; tar --create --format=gnu --file=outside.tar --transform=s,app,etc, app/node_modules
  ln -s tree.tar link.tar; cat /dev/zero | head -c 300M >app/zeros
  tar --create --format=gnu --file=large.tar app/zeros
  mkdir app/more; echo more >app/more/one; ln app/more/one app/more/two
  tar --create --format=gnu --file=more.tar --no-recursion app/more app/more/one
  tar --create --format=gnu --file=both.tar --no-recursion app/more/one app/more/two
  tail --bytes=+1025 both.tar >links.tar
  mkdir -p /cache/trees/directory.tar; cp --no-dereference *.tar /cache/trees; mkdir directory.tar`

const order = (changes: Partial<TreeOrder> = {}): TreeOrder => ({
  sandbox: sandbox.id,
  files: ['tree.tar'],
  base: server.image,
  owner: appUser(server.appId),
  slugBytes: 2 ** 30,
  labels: { 'paas.app': server.appId, 'paas.tree': 'an id' },
  partLabels: { 'paas.app': server.appId },
  bytesLabel: 'paas.tree-bytes',
  ...changes,
})

/** Told of parts, more than there are. */
const there: AsyncIterable<number> = {
  async *[Symbol.asyncIterator]() {
    yield* [1, 2, 3, 4]
  },
}

const byGate = () => createTreeMaker(server.engine, treesAt(gate))
const ways: [string, string, () => TreeMaker][] = [
  ['the gate out of the cache', '/cache/trees', byGate],
  ['the gate out of other files of the sandbox', '/tmp', byGate],
  ['the worker, where the gate cannot', '/cache/trees', () => createTreeMaker(server.engine, async () => undefined)],
]

function within(directory: string, { files, ...rest }: TreeOrder): TreeOrder {
  return { ...rest, files: files.map((file) => `${directory}/${file}`) }
}

async function filesOf(image: string) {
  const files: Record<string, string> = {}
  const tar = await server.engine.readImage(image, '/app', never)
  await forEachEntry(tar!, async (entry) => {
    const { name, type, mode, uid, linkname } = entry.header
    files[name] = `${type} ${(mode & 0o7777).toString(8)} ${uid} ${linkname ?? (await buffer(entry)).toString().trim()}`
  })
  return files
}

describe.each(ways)('a tree made by %s', (_, directory, way) => {
  const make = (changes?: Partial<TreeOrder>, signal = never, ready = there) =>
    way()(within(directory, order(changes)), { sandbox, ready }, signal)

  it('is an image of the server with its files, the app’s own', async () => {
    const image = await make()
    const { uid } = appUser(server.appId)
    expect(await filesOf(image.digest)).toMatchObject({
      'app/node_modules/': `directory 755 ${uid} `,
      'app/node_modules/one': `file 755 ${uid} one`,
      'app/node_modules/two': `link 755 ${uid} app/node_modules/one`,
      'app/node_modules/.bin/one': `symlink 777 ${uid} ../one`,
    })
    expect(image.labels).toMatchObject({
      'paas.tree': 'an id',
      'paas.tree-bytes': '4',
      'paas.server': server.serverId,
      'paas.kind': 'image',
    })
  })

  it('in parts has the files of all of them, and leaves no image of some', async () => {
    const before = await server.engine.listImages()
    const image = await make({ files: ['tree.tar', 'more.tar'] })
    expect(Object.keys(await filesOf(image.digest))).toEqual(
      expect.arrayContaining(['app/node_modules/one', 'app/more/one']),
    )
    expect(image.labels).toMatchObject({ 'paas.tree': 'an id', 'paas.tree-bytes': '9' })
    expect(await server.engine.listImages()).toHaveLength(before.length + 1)
  })

  it('in parts waits for the next one', async () => {
    const next = Promise.withResolvers<void>()
    const ready = {
      async *[Symbol.asyncIterator]() {
        yield 1
        await next.promise
        yield 2
      },
    }
    const made = make({ files: ['tree.tar', 'next.tar'] }, never, ready)
    await shell(sandbox, `sleep 0.2; cp /tmp/more.tar ${directory}/next.tar`)
    next.resolve()
    expect(Object.keys(await filesOf((await made).digest))).toContain('app/more/one')
  })

  it.each([
    ['is not all there', { files: ['cut.tar'] }, 'build_failed'],
    ['has files elsewhere', { files: ['outside.tar'] }, 'build_failed'],
    ['is not there', { files: ['none.tar'] }, 'build_failed'],
    ['is a link', { files: ['link.tar'] }, 'build_failed'],
    ['is a directory', { files: ['directory.tar'] }, 'build_failed'],
    ['has no parts', { files: [] }, 'build_failed'],
    ['has a part that is not there', { files: ['tree.tar', 'none.tar'] }, 'build_failed'],
    ['has a part that is no tar', { files: ['tree.tar', 'cut.tar'] }, 'build_failed'],
    ['links from one part to another', { files: ['more.tar', 'links.tar'] }, 'build_failed'],
    ['is over the limit', { files: ['large.tar'], slugBytes: 2 ** 20 }, 'slug_too_large'],
    ['is over the limit in all', { files: ['tree.tar', 'tree.tar'], slugBytes: 6 }, 'slug_too_large'],
  ])('that %s fails the build, and leaves no image', async (_case, changes, code) => {
    const before = await server.engine.listImages()
    await expect(make(changes)).rejects.toMatchObject({ code })
    expect(await server.engine.listImages()).toHaveLength(before.length)
  })

  it('ends when the build is cancelled, and lets go of the sandbox', async () => {
    const before = await server.engine.listImages()
    const cancelled = new AbortController()
    const made = make({ files: ['large.tar'] }, cancelled.signal)
    setTimeout(() => cancelled.abort(new Error('cancelled')), 100)
    await expect(made).rejects.toThrow('cancelled')
    // Whoever reads a file of a container has its lock.
    expect(JSON.parse(await docker('inspect', '--format={{json .State.Running}}', sandbox.id))).toBe(true)
    await expect.poll(() => server.engine.listImages()).toHaveLength(before.length)
  })
})

describe('the gate refuses', () => {
  const ask = (changes: object) => treesAt(gate)({ ...within('/tmp', order()), ...changes } as TreeOrder, there, never)

  it('a sandbox that is not the server’s', async () => {
    const other = await docker('create', server.image, 'true')
    try {
      await expect(ask({ sandbox: other })).rejects.toMatchObject({ code: 'internal' })
    } finally {
      await docker('rm', other)
    }
    await expect(ask({ sandbox: `${sandbox.id}/json?x=` })).rejects.toMatchObject({ code: 'internal' })
  })

  it('a base that is another server’s', async () => {
    await using another = await testEngine()
    const theirs = await createTreeMaker(another.engine)(within('/tmp', order()), { sandbox, ready: there }, never)
    await expect(ask({ base: theirs.digest })).rejects.toMatchObject({ code: 'internal' })
    await expect(ask({ base: server.image })).resolves.toMatch(/^paas-/)
  })

  it('what is not an order of a tree', async () => {
    for (const changes of [
      { files: ['tree.tar'] },
      { files: '/tmp/tree.tar' },
      { base: 'debian' },
      { owner: { uid: -1, gid: 0 } },
      { more: 1 },
    ])
      await expect(ask(changes)).rejects.toMatchObject({ code: 'internal' })
  })
})
