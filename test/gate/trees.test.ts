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
  sandbox = life.use(await server.sandbox({ limits: { memoryMiB: 128, cpus: 1, pids: 64 } }))
  await shell(sandbox, script)
})
afterAll(() => life.disposeAsync())

const script = `
  cd /tmp && mkdir -p app/node_modules/.bin && cd app/node_modules
  echo one >one; chmod 4755 one; ln -s ../one .bin/one; ln one two; mkfifo pipe
  cd /tmp && tar --create --format=gnu --file=tree.tar app/node_modules
  head -c 1000 tree.tar >cut.tar; tar --create --format=gnu --file=outside.tar --transform=s,app,etc, app/node_modules
  ln -s tree.tar link.tar; cat /dev/zero | head -c 300M >app/zeros
  tar --create --format=gnu --file=large.tar app/zeros`

const order = (changes: Partial<TreeOrder> = {}): TreeOrder => ({
  sandbox: sandbox.id,
  file: '/tmp/tree.tar',
  base: server.image,
  owner: appUser(server.appId),
  slugBytes: 2 ** 30,
  labels: { 'paas.app': server.appId, 'paas.tree': 'an id' },
  bytesLabel: 'paas.tree-bytes',
  ...changes,
})

const ways: [string, () => TreeMaker][] = [
  ['the gate', () => createTreeMaker(server.engine, treesAt(gate))],
  ['the worker, where the gate cannot', () => createTreeMaker(server.engine, async () => undefined)],
]

async function filesOf(image: string) {
  const files: Record<string, string> = {}
  const tar = await server.engine.readImage(image, '/app', never)
  await forEachEntry(tar!, async (entry) => {
    const { name, type, mode, uid, linkname } = entry.header
    files[name] = `${type} ${(mode & 0o7777).toString(8)} ${uid} ${linkname ?? (await buffer(entry)).toString().trim()}`
  })
  return files
}

describe.each(ways)('a tree made by %s', (_, way) => {
  const make = (changes?: Partial<TreeOrder>, signal = never) => way()(order(changes), sandbox, signal)

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

  it.each([
    ['is not all there', { file: '/tmp/cut.tar' }, 'build_failed'],
    ['has files elsewhere', { file: '/tmp/outside.tar' }, 'build_failed'],
    ['is not there', { file: '/tmp/none.tar' }, 'build_failed'],
    ['is a link', { file: '/tmp/link.tar' }, 'build_failed'],
    ['is a directory', { file: '/tmp' }, 'build_failed'],
    ['is over the limit', { file: '/tmp/large.tar', slugBytes: 2 ** 20 }, 'slug_too_large'],
  ])('that %s fails the build, and leaves no image', async (_case, changes, code) => {
    const before = await server.engine.listImages()
    await expect(make(changes)).rejects.toMatchObject({ code })
    expect(await server.engine.listImages()).toHaveLength(before.length)
  })

  it('ends when the build is cancelled, and lets go of the sandbox', async () => {
    const before = await server.engine.listImages()
    const cancelled = new AbortController()
    const made = make({ file: '/tmp/large.tar' }, cancelled.signal)
    setTimeout(() => cancelled.abort(new Error('cancelled')), 100)
    await expect(made).rejects.toThrow('cancelled')
    // Whoever reads a file of a container has its lock.
    expect(JSON.parse(await docker('inspect', '--format={{json .State.Running}}', sandbox.id))).toBe(true)
    await expect.poll(() => server.engine.listImages()).toHaveLength(before.length)
  })
})

describe('the gate refuses', () => {
  const ask = (changes: object) => treesAt(gate)({ ...order(), ...changes } as TreeOrder, never)

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
    const theirs = await createTreeMaker(another.engine)(order(), sandbox, never)
    await expect(ask({ base: theirs.digest })).rejects.toMatchObject({ code: 'internal' })
    await expect(ask({ base: server.image })).resolves.toMatch(/^paas-/)
  })

  it('what is not an order of a tree', async () => {
    for (const changes of [{ file: 'tree.tar' }, { base: 'debian' }, { owner: { uid: -1, gid: 0 } }, { more: 1 }])
      await expect(ask(changes)).rejects.toMatchObject({ code: 'internal' })
  })
})
