import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { request } from '../helpers/http.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { HerokuUser } from './user.ts'

let server: TestServer
let user: HerokuUser
const life = new AsyncDisposableStack()

beforeAll(async () => {
  server = life.use(await startServer())
  user = life.use(await HerokuUser.start(server))
  await user.succeed(['create', 'site', '--no-remote'])
  await write('site/index.html', '<h1>Built from a directory</h1>')
})
afterAll(() => life.disposeAsync())

async function write(path: string, content: string): Promise<void> {
  const file = join(user.home, path)
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, content)
}

const plugin = (argv: string[], cwd = user.home) => user.run('node', pluginArgv(argv), { cwd })
const pluginArgv = (argv: string[]) => [join(import.meta.dirname, 'plugin-host.cjs'), 'heroku-builds', ...argv]

describe('the plugin heroku-builds', () => {
  const app = ['-a', 'site']

  it('builds and deploys a directory, and shows the output', async () => {
    const { code, stderr } = await plugin(['builds:create', ...app], join(user.home, 'site'))
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('Released v2') })
    const answer = await request({ port: server.port, host: `site.localhost:${server.port}` })
    expect(answer.body).toContain('Built from a directory')
  })

  it('shows builds, one of them, and what it printed', async () => {
    const { stdout } = await plugin(['builds', ...app])
    expect(stdout).toMatch(/=== site Builds\n[^]*[\da-f-]{36} .*\d+s +succeeded +admin@paas\.localhost\n/)
    expect((await plugin(['builds:info', ...app])).stdout).toMatch(/Buildpacks: +Static site\n[^]*Release: +v2\n/)
    expect((await plugin(['builds:output', ...app])).stderr).toMatch(/^-----> Unpacking the source\n[^]*Released v2/)
  })

  it('removes the cache', async () => {
    const { code, stderr } = await plugin(['builds:cache:purge', '--confirm', 'site', ...app])
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'Purging build cache for site... done\n' })
  })

  it('cancels a build, which fails for whoever watches it', async () => {
    await write('slow/package.json', JSON.stringify({ name: 'slow', scripts: { build: 'sleep 100' } }))
    const watching = user.start('node', pluginArgv(['builds:create', '--dir', 'slow', '--version', 'slow', ...app]))
    await expect.poll(() => watching.shown()).toContain('sleep 100')
    const { stderr } = await plugin(['builds:cancel', ...app])
    expect(stderr).toMatch(/Stopping build [\da-f-]{36}\.\.\. done/)
    await expect.poll(() => watching.shown()).toMatch(/Build cancelled[^]*Build failed/)
    await watching.stop()
    expect((await plugin(['builds', '-n', '1', ...app])).stdout).toMatch(/ slow .* failed /)
  })

  it('says why a source is refused', async () => {
    const { code, stderr } = await plugin(['builds:create', '--source-url', 'http://127.0.0.1:1/x.tgz', ...app])
    expect({ code, stderr: stderr.replaceAll(/\s+▸?\s*/g, ' ') }).toEqual({
      code: 1,
      stderr: expect.stringContaining('127.0.0.1 (port 1) is not on the public internet.'),
    })
  })
})

it('nothing was asked of any other machine', async () => {
  expect(await user.strayConnections()).toEqual([])
})
