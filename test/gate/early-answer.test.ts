import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { makeTree } from '../../src/build/make-tree.ts'
import { loadConfig } from '../../src/config.ts'
import { serverPrefix } from '../../src/engine/docker/names.ts'
import { label } from '../../src/engine/labels.ts'
import { serveGate } from '../../src/gate/server.ts'
import { createLog } from '../../src/log.ts'

const serverId = 'a1b2c3d4e5f6'
const container = 'c'.repeat(64)

let life: AsyncDisposableStack
let gateSocket = ''
beforeEach(async () => {
  life = new AsyncDisposableStack()
  const directory = life.adopt(await mkdtemp(join(tmpdir(), 'paas-gate-')), (at) => rm(at, { recursive: true }))
  const engineSocket = join(directory, 'engine.sock')
  gateSocket = join(directory, 'gate.sock')
  // One that answers in the midst of a body, as Docker does at the end of a tar, but always so.
  const engine = createServer((asked, answer) => {
    if (asked.method === 'PUT') {
      // Docker reads on for a while, too, before it closes the connection.
      return void asked.once('data', () => answer.writeHead(200, { connection: 'keep-alive' }).end('taken')).resume()
    }
    const Labels = { [label.server]: serverId, [label.kind]: 'dyno' }
    answer.end(JSON.stringify({ Id: container, Name: `/${serverPrefix(serverId)}-x`, Config: { Labels } }))
  })
  engine.listen(engineSocket)
  await once(engine, 'listening')
  life.defer(() => void engine.close())
  const log = createLog('test', 'error')
  life.use(
    await serveGate({
      engineSocket,
      socketPath: gateSocket,
      config: loadConfig(),
      serverId,
      ancestors: [],
      makeTree,
      log,
    }),
  )
})
afterEach(() => life.disposeAsync())

it('an answer that comes before the end of a body waits for it, so that who writes it gets the answer', async () => {
  const path = `/v1.41/containers/${container}/archive?path=%2F`
  const headers = { 'content-type': 'application/x-tar' }
  const put = request({ socketPath: gateSocket, method: 'PUT', path, headers, agent: false })
  const answered = once(put, 'response') as Promise<[IncomingMessage]>
  let given = false
  put.once('response', () => (given = true))
  put.write(Buffer.alloc(1024))
  await delay(500)
  expect(given).toBe(false)
  put.end(Buffer.alloc(1024))
  const [answer] = await answered
  expect([answer.statusCode, await text(answer)]).toEqual([200, 'taken'])
})
