import { randomBytes } from 'node:crypto'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStack } from '../../src/build/stack/debian.ts'
import { loadConfig } from '../../src/config.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import { createLog } from '../../src/log.ts'
import { TestApp } from '../helpers/app.ts'
import { removeFromEngine } from '../helpers/engine.ts'
import { TestRepository } from '../helpers/repository.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { generators, type Generated } from './generators.ts'

/** Apps that nobody here wrote, pushed as their authors would. The quickest two always, all of them with `npm run test:apps`. */
const chosen = process.env['PAAS_TEST_APPS'] === 'all' ? generators : generators.slice(0, 2)

const serverId = randomBytes(6).toString('hex')
const config = loadConfig({ DOCKER_HOST: process.env['DOCKER_HOST'] })
const engine = connectDocker({ ...config, serverId, log: createLog('test', 'warn') })
const stack = createStack({ engine, config })

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => {
  await server?.stop()
  await removeFromEngine(serverId)
})

/** The developer's machine is a container of the build image, which has npm and Python whatever this machine has. */
async function generate({ script }: Generated): Promise<TestRepository> {
  const { digest } = await stack.buildImage([], () => undefined)
  const { signal } = new AbortController()
  await using machine = await engine.createSandbox(
    {
      appId: undefined,
      image: digest,
      name: 'generator',
      user: 'app',
      limits: { memoryMiB: 2048, cpus: 2, pids: 1024 },
      env: { HOME: '/tmp' },
      workingDirectory: '/app',
      labels: {},
    },
    signal,
  )
  const output: Buffer[] = []
  const argv = ['bash', '-ec', `PATH=$PATH:/usr/lib/paas/bin\n${script}`]
  const { code } = await machine.exec({ argv }, (chunk) => output.push(chunk), signal)
  if (code !== 0) throw new Error(`the generator exited with ${code}:\n${Buffer.concat(output).toString()}`)
  const repository = await TestRepository.empty()
  const unpack = spawn('tar', ['-x', '--strip-components=1', '-C', repository.path], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const unpacked = once(unpack, 'close')
  const files = (chunk: Buffer, stream: string) => void (stream === 'stdout' && unpack.stdin.write(chunk))
  await machine.exec({ argv: ['tar', '-c', '-C', '/', 'app'] }, files, signal)
  unpack.stdin.end()
  await unpacked
  await repository.commit('As generated')
  return repository
}

describe.each(chosen)('$name', (generated) => {
  it('is served after one push, and again after the next', { timeout: 900_000 }, async () => {
    await using app = await TestApp.create(server, await generate(generated))
    const first = await app.push()
    expect(first.output).toContain(`-----> ${generated.buildpack} app detected`)
    expect(first).toMatchObject({ code: 0 })
    expect(await app.get(generated.path)).toMatchObject({
      status: 200,
      body: expect.stringMatching(generated.expected),
    })

    await app.repository.write('CHANGES.md', 'Something else.\n')
    await app.repository.commit('Change')
    const second = await app.push()
    expect(second).toMatchObject({ code: 0 })
    expect(second.output).toContain('has not changed: restoring')
    expect(await app.get(generated.path)).toMatchObject({
      status: 200,
      body: expect.stringMatching(generated.expected),
    })
  })
})
