import { afterAll, beforeAll, expect, it } from 'vitest'
import { TestApp } from '../helpers/app.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => {
  await server?.stop()
})

// On an engine that is new the image that builds Dockerfiles is made first.
it(
  'an app with a Dockerfile and no Procfile is built as that says, and served on $PORT',
  { timeout: 600_000 },
  async () => {
    await using app = await TestApp.create(server, 'node-hello')
    const dockerfile = `FROM paas/debian-13-node\nCOPY server.js .\nCMD ["node", "server.js"]\n`
    await app.repository.write('Dockerfile', dockerfile)
    await app.repository.commit('With a Dockerfile')
    const push = await app.push()
    expect(push).toMatchObject({ code: 0, output: expect.stringContaining('Building with the Dockerfile') })
    expect(await app.get()).toMatchObject({ status: 200, body: 'Hello, world\n' })
    await app.repository.git('commit', '--quiet', '--allow-empty', '--message', 'Nothing')
    const again = await app.push()
    expect(again.output).toContain('Nothing changed since v2: using its build')
    expect(again.output).not.toContain('Building with the Dockerfile')
    expect(again.code).toBe(0)
  },
)
