import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createStack } from '../../src/build/stack/debian.ts'
import { packFacts, type PackName } from '../../src/build/packs.ts'
import { createToolbox } from '../../src/build/toolbox.ts'
import { loadConfig } from '../../src/config.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import { createLog } from '../../src/log.ts'
import { TestApp, until } from '../helpers/app.ts'
import { removeFromEngine } from '../helpers/engine.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { generate } from './generate.ts'
import { imageBeyond } from './image-size.ts'
import { writePage, type Pushed } from './page.ts'
import { starters } from './starters.ts'

/** A pattern of names, as `npm run test:apps` sets it, for all; what was pushed is written into docs/languages.md. */
const asked = process.env['PAAS_TEST_APPS']
const chosen = starters.filter(({ name, always }) => (asked ? RegExp(asked, 'i').test(name) : always))

/** Packs that keep what a lock file decides. */
const restoring: PackName[] = ['deno', 'bun', 'nodejs', 'python', 'ruby']

const serverId = randomBytes(6).toString('hex')
const config = loadConfig({ DOCKER_HOST: process.env['DOCKER_HOST'] })
const engine = connectDocker({ ...config, serverId, log: createLog('test', 'warn') })
const toolbox = createToolbox({ engine, stack: createStack({ engine, config }) })

let server: TestServer
const begin = new Date()
const pushed: Pushed[] = []

beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => {
  await server?.stop()
  await removeFromEngine(serverId)
})
// After each, so that one that fails takes nothing from the others.
afterEach(async () => {
  if (asked && pushed.length > 0) await writePage(pushed, { begin, of: starters })
})

describe.each(chosen)('$name', (starter) => {
  it('is served after one push, and again after the next', { timeout: 900_000 }, async () => {
    const { pack, path, expected } = starter
    await using app = await TestApp.create(server, await generate(starter, { engine, toolbox }))
    const served = async () => {
      if (starter.startsOn) await until('all of it has started', async () => (await app.get(path)).status === 200)
      expect(await app.get(path)).toMatchObject({ status: 200, body: expect.stringMatching(expected) })
    }

    const cold = await pushedIn(app)
    expect(cold.output).toContain(`-----> ${packFacts[pack].title} app detected`)
    await served()

    await app.repository.write('CHANGES.md', 'Something else.\n')
    await app.repository.commit('Change')
    const warm = await pushedIn(app)
    expect(warm.output).toContain(restoring.includes(pack) ? 'has not changed: restoring' : 'app detected')
    await served()

    const runImage = await toolbox.runImage([pack])
    pushed.push({ starter, coldMs: cold.ms, warmMs: warm.ms, imageBytes: await imageBeyond(runImage.digest, app.name) })
    await app.api('DELETE', '')
  })
})

async function pushedIn(app: TestApp): Promise<{ output: string; ms: number }> {
  const begin = performance.now()
  const { code, output } = await app.push()
  if (code !== 0) throw new Error(`git push exited with ${code}:\n${output}`)
  return { output, ms: performance.now() - begin }
}
