import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import type { EngineEvent } from '../../src/engine/engine.ts'
import { docker, letGo, testEngine, type TestEngine } from './support.ts'

const configured = loadConfig().docker

let server: TestEngine
beforeAll(async () => {
  server = await testEngine()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

/** A socket that leads to the engine, and the containers that were inspected through it. */
async function countingSocket() {
  if (configured.kind !== 'socket') throw new Error('this test needs an engine on a Unix socket')
  const { path: enginePath } = configured
  const directory = await mkdtemp(join(tmpdir(), 'paas-engine-'))
  const inspected: string[] = []
  const relay = createServer((client) => {
    const engine = connect(enginePath)
    client.once('data', (head: Buffer) => {
      const [, id] = /^GET \S+\/containers\/(\w+)\/json /.exec(head.toString('latin1')) ?? []
      if (id !== undefined) inspected.push(id)
    })
    client.pipe(engine).pipe(client)
    for (const socket of [client, engine]) socket.on('error', () => undefined).on('close', () => engine.destroy())
  })
  const path = join(directory, 'docker.sock')
  await new Promise<void>((resolve) => relay.listen(path, resolve))
  return {
    path,
    /** Those that were inspected during the work, and what it gave. */
    async during<T>(work: () => Promise<T>) {
      const before = inspected.length
      const result = await work()
      return { result, inspected: inspected.slice(before) }
    },
    async [Symbol.asyncDispose]() {
      relay.close()
      await rm(directory, { recursive: true })
    },
  }
}

/** Ends, and is started again, when the file `/tmp/end` is made. */
const crashing = 'until [ -e /tmp/end ]; do sleep 0.05; done; rm /tmp/end; exit 1'

it('a look at all dynos inspects only those that an event or the list says have changed', async () => {
  await using socket = await countingSocket()
  const engine = server.connect({ docker: { kind: 'socket', path: socket.path } })
  const [crashed, paused, other] = [
    await server.dyno(crashing),
    await server.dyno('sleep 1000'),
    await server.dyno('sleep 1000'),
  ]
  const all = [crashed.id, paused.id, other.id].toSorted()
  const look = () => socket.during(() => engine.listDynos())
  /** What was looked at while an event came, of whatever container, is looked at once more. */
  const allIsKnown = () => expect.poll(async () => (await look()).inspected).toEqual([])

  await look()
  expect((await look()).inspected.toSorted(), 'while nobody follows the events').toEqual(all)

  const stop = new AbortController()
  const events: EngineEvent[] = []
  const watching = (async () => {
    for await (const event of engine.watch(stop.signal)) events.push(event)
  })()
  await allIsKnown() // once they are followed

  await letGo(crashed.id, '/tmp/end')
  await docker('pause', paused.id)
  // They come after the state that they are about.
  const said = () => events.map(({ id, kind }) => [id, kind])
  await expect.poll(said).toEqual(
    expect.arrayContaining([
      [crashed.id, 'started'],
      [paused.id, 'stuck'],
    ]),
  )
  const found = async (id: string) => (await look()).result.find((dyno) => dyno.id === id)
  await expect.poll(async () => (await found(crashed.id))?.restarts).toBe(1)
  await expect.poll(async () => (await found(crashed.id))?.state.kind).toBe('running')
  expect((await found(paused.id))?.state).toMatchObject({ kind: 'stuck', by: 'pause' })
  await allIsKnown()
  await docker('unpause', paused.id)
  expect(await look(), 'that a pause ended, no event says').toMatchObject({
    result: expect.arrayContaining([
      expect.objectContaining({ id: paused.id, state: expect.objectContaining({ kind: 'running' }) }),
    ]),
    inspected: [paused.id],
  })
  await allIsKnown()
  expect((await look()).result).toEqual(await server.engine.listDynos())

  stop.abort()
  await watching
  expect((await look()).inspected.toSorted(), 'nobody follows them any more').toEqual(all)
})
