import { afterAll, beforeAll, expect, it } from 'vitest'
import type { EngineEvent } from '../../src/engine/engine.ts'
import { docker, limits, never, testEngine, type TestEngine } from './support.ts'

let server: TestEngine
beforeAll(async () => {
  server = await testEngine()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

async function collect(watching: AsyncIterable<EngineEvent>, last: EngineEvent['kind']) {
  const events: EngineEvent[] = []
  for await (const event of watching) {
    events.push(event)
    if (event.kind === last) break
  }
  return events
}

it('a dyno’s start, end and removal are told, from the call on', async () => {
  const watching = server.engine.watch(never)
  const { id } = await server.dyno('exit 3', { name: 'run.1', type: 'run', restart: false })
  await server.engine.waitDyno(id, never)
  await server.engine.stopDyno(id, 0)
  const events = await collect(watching, 'removed')
  const facts = { id, appId: server.appId, name: 'run.1', type: 'run', size: 'basic', release: 7, attached: false }
  const common = { ...facts, time: expect.any(Date) as Date }
  expect(events).toEqual([
    { ...common, kind: 'started' },
    { ...common, kind: 'exited', exitCode: 3 },
    { ...common, kind: 'removed' },
  ])
})

it('a kill for memory is told', async () => {
  const watching = server.engine.watch(never)
  const command = `perl -e '$x = "a" x 300_000_000'`
  const { id } = await server.dyno(command, { type: 'run', restart: false, limits: { ...limits, memoryMiB: 64 } })
  expect(await collect(watching, 'out-of-memory')).toContainEqual(
    expect.objectContaining({ id, kind: 'out-of-memory' }),
  )
  await server.engine.stopDyno(id, 0)
})

it('a pause is told, and that a dyno was taken off its network', async () => {
  const told: string[] = []
  const watching = server.engine.watch(never)
  const { id } = await server.dyno('sleep 1000')
  const collecting = (async () => {
    for await (const event of watching) {
      if (event.id === id) told.push(event.kind)
      if (told.at(-1) === 'removed') break
    }
  })()
  await docker('pause', id)
  expect(await server.engine.findDyno(id)).toMatchObject({ state: { kind: 'stuck', by: 'pause' } })
  await docker('unpause', id)
  const network = await docker(
    'inspect',
    '--format',
    '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}',
    id,
  )
  await docker('network', 'disconnect', '--force', network, id)
  await expect.poll(() => told.slice(0, 3)).toEqual(['started', 'stuck', 'stuck'])
  expect(await server.engine.findDyno(id)).toMatchObject({
    state: { kind: 'stuck', by: 'network' },
    address: undefined,
  })
  await server.engine.stopDyno(id, 0)
  await collecting
})

it('watching ends with the signal, quietly', async () => {
  const abort = new AbortController()
  const watching = collect(server.engine.watch(abort.signal), 'removed')
  const { id } = await server.dyno('sleep 1000')
  abort.abort()
  expect((await watching).map(({ kind }) => kind)).not.toContain('removed')
  await server.engine.stopDyno(id, 0)
})
