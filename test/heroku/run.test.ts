import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestApp, until } from '../helpers/app.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { HerokuUser } from './user.ts'

let server: TestServer
let user: HerokuUser
let app: TestApp
const life = new AsyncDisposableStack()

beforeAll(async () => {
  server = life.use(await startServer({ env: { PAAS_STOP_GRACE: '2' } }))
  user = life.use(await HerokuUser.start(server))
  app = life.use(await TestApp.create(server, 'node-hello'))
  const { code, output } = await app.push()
  if (code !== 0) throw new Error(output)
})
afterAll(async () => {
  await life.disposeAsync()
})

const heroku = (argv: string[], input = '') =>
  user.heroku([...argv.slice(0, 1), '-a', app.name, ...argv.slice(1)], { input })
const oneOffs = async (): Promise<string[]> =>
  (await app.api<{ name: string }[]>('GET', '/dynos')).body.map(({ name }) => name).filter((name) => name !== 'web.1')

describe.concurrent('heroku run', () => {
  it('-x shows what the command prints in a terminal of its own, and exits as it does', async () => {
    const { code, stdout } = await heroku([
      'run',
      '-x',
      '-e',
      'A=over TLS',
      '--',
      'echo "came $A"; tty; seq 3000; (exit 7)',
    ])
    expect(code).toBe(7)
    expect(stdout).toMatch(/came over TLS\n\/dev\/(console|pts\/0)\n1\n[^]*\n3000\n$/)
  })

  it('passes input on, and its end', async () => {
    const { code, stdout } = await heroku(['run', '--no-tty', '--', 'tr a-z A-Z'], 'hello\n')
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'HELLO\n' })
  })
})

it('heroku run:detached leaves its output in the log, and nothing else', async () => {
  const { code, stderr } = await heroku(['run:detached', '--', 'echo done far away'])
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('done, run.') })
  await expect.poll(async () => (await heroku(['logs', '-n', '50'])).stdout).toMatch(/app\[run\.\d{4}\]: done far away/)
  await until('none is left', async () => (await oneOffs()).length === 0)
})

it('none of that went anywhere else', async () => {
  expect(await user.strayConnections()).toEqual([])
})
