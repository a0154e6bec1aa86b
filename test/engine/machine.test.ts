import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { docker, limits, shell, testEngine, type TestEngine } from './support.ts'

let server: TestEngine
let machine: { cpus: number; memoryMiB: number }
beforeAll(async () => {
  server = await testEngine()
  machine = await server.engine.info()
})
afterAll(() => server[Symbol.asyncDispose]())

const size = "df --block-size=1M --output=size /dev/shm | tail -1 | tr -d ' '"
const beyond = { ...limits, cpus: 4096, memoryMiB: 2 ** 30 }
const given = (id: string) => docker('inspect', '--format', '{{.HostConfig.NanoCpus}} {{json .HostConfig.Memory}}', id)
const all = () => `${machine.cpus * 1e9} ${machine.memoryMiB * 2 ** 20}`

describe('whoever may have more than the machine has gets all that there is:', () => {
  it('a build', async () => {
    await using sandbox = await server.sandbox({ limits: beyond })
    expect(await given(sandbox.id)).toBe(all())
  })

  it('a dyno', async () => {
    const { id } = await server.dyno('sleep 100', { limits: beyond })
    expect(await given(id)).toBe(all())
  })
})

describe('/dev/shm', () => {
  it('has half of the memory of a build', async () => {
    await using sandbox = await server.sandbox({ limits: { ...limits, memoryMiB: 300 } })
    expect((await shell(sandbox, size)).output).toBe('150')
  })

  it('has half of the memory of a dyno, and what is in it counts as memory', async () => {
    const fill = `${size}; perl -e '$x = "a" x 90_000_000; sleep 100' & head -c 60M /dev/zero > /dev/shm/file; wait`
    const spec = { limits: { ...limits, memoryMiB: 128 }, restart: false }
    const { id } = await server.dyno(fill, spec)
    expect(await server.engine.waitDyno(id, AbortSignal.timeout(60_000))).toMatchObject({ outOfMemory: true })
    expect(await docker('logs', id)).toBe('64')
  })
})

it('what the engine refuses is said in its words, and is no failure inside the server', async () => {
  await expect(server.dyno('true', { limits: { ...limits, memoryMiB: 1 } })).rejects.toMatchObject({
    code: 'engine_refused',
    message: expect.stringMatching(/^Docker rejected a request: Minimum memory limit allowed is [46]MB/i),
  })
})
