import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { testEngine, type TestEngine } from './support.ts'

const configured = loadConfig().docker

let server: TestEngine
beforeAll(async () => {
  server = await testEngine()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

/** What Docker says of a container that the kernel did not stop in time. */
const unfrozen = JSON.stringify({
  message: 'Cannot pause container: OCI runtime pause failed: unable to freeze: unknown',
})
const refusal = `HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: ${unfrozen.length}\r\nConnection: close\r\n\r\n${unfrozen}`

/** A socket that leads to the engine, but for so many pauses, which are refused. */
async function refusingSocket(pauses: number) {
  if (configured.kind !== 'socket') throw new Error('this test needs an engine on a Unix socket')
  const { path: enginePath } = configured
  const directory = await mkdtemp(join(tmpdir(), 'paas-engine-'))
  const asked = { pauses: 0 }
  const relay = createServer((client) => {
    client.on('error', () => undefined)
    client.once('data', (head: Buffer) => {
      const isPause = /^POST \S+\/pause /.test(head.toString('latin1'))
      if (isPause && ++asked.pauses <= pauses) return void client.end(refusal)
      const engine = connect(enginePath).on('error', () => client.destroy())
      client.on('close', () => engine.destroy())
      engine.write(head)
      client.pipe(engine).pipe(client)
    })
  })
  const path = join(directory, 'docker.sock')
  await new Promise<void>((resolve) => relay.listen(path, resolve))
  return {
    path,
    asked,
    async [Symbol.asyncDispose]() {
      relay.close()
      await rm(directory, { recursive: true })
    },
  }
}

it('a dyno that the kernel does not stop in time is paused at another attempt', async () => {
  await using socket = await refusingSocket(2)
  const engine = server.connect({ docker: { kind: 'socket', path: socket.path } })
  const { id } = await server.dyno('sleep 1000')
  expect(await engine.pauseDyno(id)).toBe(true)
  expect(socket.asked.pauses).toBe(3)
  await engine.resumeDyno(id)
})

it('one that is never stopped is told as a volume that cannot be copied as it is', async () => {
  await using socket = await refusingSocket(100)
  const engine = server.connect({ docker: { kind: 'socket', path: socket.path } })
  const { id } = await server.dyno('sleep 1000')
  await expect(engine.pauseDyno(id)).rejects.toMatchObject({ code: 'volume_changing' })
  expect(socket.asked.pauses).toBe(5)
})
