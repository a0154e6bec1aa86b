import { afterAll, beforeAll, expect, it } from 'vitest'
import { createStack } from '../../src/build/stack/debian.ts'
import { createToolbox } from '../../src/build/toolbox.ts'
import { loadConfig } from '../../src/config.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import { createLog } from '../../src/log.ts'
import { TestApp } from '../helpers/app.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => {
  await server?.stop()
})

/** An image with Node.js that is on this machine. */
async function nodeImage(): Promise<string> {
  const config = loadConfig({ DOCKER_HOST: process.env['DOCKER_HOST'] })
  const engine = connectDocker({ ...config, serverId: 'dockerfile', log: createLog('test', 'warn') })
  const { references } = await createToolbox({ engine, stack: createStack({ engine, config }) }).runImage(['nodejs'])
  return references[0] ?? ''
}

it('an app with a Dockerfile and no Procfile is built as that says, and served on $PORT', async () => {
  await using app = await TestApp.create(server, 'node-hello')
  const dockerfile = `FROM ${await nodeImage()}\nCOPY server.js .\nCMD ["/usr/lib/paas/bin/node", "server.js"]\n`
  await app.repository.write('Dockerfile', dockerfile)
  await app.repository.commit('With a Dockerfile')
  const push = await app.push()
  expect(push).toMatchObject({ code: 0, output: expect.stringContaining('Building with the Dockerfile') })
  expect(await app.get()).toMatchObject({ status: 200, body: 'Hello, world\n' })
})
