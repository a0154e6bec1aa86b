import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { DynoExits } from '../../src/dynos/dyno-exits.ts'
import { DynoLog } from '../../src/dynos/dyno-log.ts'
import { heard } from '../../src/dynos/heard.ts'
import { ReadyDynos } from '../../src/dynos/ready-dynos.ts'
import type { Dyno } from '../../src/engine/engine.ts'
import { newId, type AppId } from '../../src/model/ids.ts'

/** A port that nothing listens on: who asks the dyno there is refused. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function readyDyno() {
  const states = { find: () => undefined, put: () => undefined, lose: () => [], forget: () => undefined }
  const readyDynos = new ReadyDynos({ states })
  const facts = {
    id: 'x',
    appId: newId<AppId>(),
    name: 'web.1',
    type: 'web',
    size: 'basic',
    release: 2,
    attached: false,
  }
  const dyno: Dyno = {
    ...facts,
    image: '',
    address: '127.0.0.1',
    port: await closedPort(),
    host: 'acme.localhost',
    state: { kind: 'running', since: new Date() },
    restarts: 0,
    createdAt: new Date(),
  }
  readyDynos.remember(dyno)
  expect(await readyDynos.isReady(dyno)).toBe(true)
  const platformLog = { dyno: () => undefined }
  return {
    dyno,
    facts,
    readyDynos,
    listeners: { exits: new DynoExits(), dynoLog: new DynoLog({ platformLog, states }), readyDynos },
  }
}

it('a dyno that was ready is forgotten when the engine says that it is gone', async () => {
  const { dyno, facts, readyDynos, listeners } = await readyDyno()
  heard(listeners, { kind: 'removed', ...facts, time: new Date() })
  expect(await readyDynos.isReady(dyno)).toBe(false)
})

it('a dyno that was ready is forgotten when the engine has it no more, and nobody heard of it', async () => {
  const { dyno, readyDynos } = await readyDyno()
  readyDynos.keepOnly(new Set([dyno.id]))
  expect(await readyDynos.isReady(dyno)).toBe(true)
  readyDynos.keepOnly(new Set(['y']))
  expect(await readyDynos.isReady(dyno)).toBe(false)
})
