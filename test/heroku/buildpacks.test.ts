import { afterAll, beforeAll, expect, it } from 'vitest'
import { TestTerminal } from '../cli/terminal.ts'
import { HerokuUser } from './user.ts'

let user: HerokuUser
const life = new AsyncDisposableStack()

beforeAll(async () => {
  const terminal = life.use(await TestTerminal.start())
  user = life.use(await HerokuUser.start({ url: terminal.url, token: terminal.api.token }))
  await terminal.api.createApp('packed')
})
afterAll(() => life.disposeAsync())

const app = ['-a', 'packed']

it("Heroku's command says which buildpacks build an app", async () => {
  expect(await user.succeed(['buildpacks:set', 'heroku/nodejs', ...app])).toContain('will use heroku/nodejs')
  await user.succeed(['buildpacks:add', 'heroku/python', '-i', '1', ...app])
  expect(await user.succeed(['buildpacks', ...app])).toMatch(/1\. heroku\/python\n *2\. heroku\/nodejs\n/)
  await user.succeed(['buildpacks:remove', 'heroku/python', ...app])
  expect(await user.succeed(['buildpacks', ...app])).toMatch(/\nheroku\/nodejs\n/)
  const { code, stderr } = await user.heroku(['buildpacks:set', 'heroku/scala', ...app])
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('There is no buildpack of that name') })
  const url = 'https://github.com/heroku/heroku-buildpack-pgbouncer.git#main'
  await user.succeed(['buildpacks:add', url, '-i', '1', ...app])
  expect(await user.succeed(['buildpacks', ...app])).toMatch(/1\. https:\S+pgbouncer\.git#main\n *2\. heroku\/nodejs\n/)
  await user.succeed(['buildpacks:remove', url, ...app])
  await user.succeed(['buildpacks:clear', ...app])
  expect(await user.succeed(['buildpacks', ...app])).toContain('has no Buildpacks')
})

it("Heroku's command finds buildpacks and tells about one", async () => {
  expect(await user.succeed(['buildpacks:search', 'node'])).toContain('heroku/nodejs')
  expect(await user.succeed(['buildpacks:info', 'heroku/nodejs'])).toContain('Node.js')
  expect(await user.succeed(['buildpacks:versions', 'heroku/nodejs'])).toMatch(/1 +\S+ +published/)
  expect(await user.strayConnections()).toEqual([])
})
