import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestTerminal } from '../cli/terminal.ts'
import { HerokuUser } from './user.ts'

let user: HerokuUser
const life = new AsyncDisposableStack()

beforeAll(async () => {
  const terminal = life.use(await TestTerminal.start())
  user = life.use(await HerokuUser.start({ url: terminal.url, token: terminal.api.token }))
  await terminal.api.createApp('acme')
})
afterAll(() => life.disposeAsync())

const app = ['-a', 'acme']

describe.concurrent("Heroku's command is told that there is nothing here for", () => {
  it.each([
    [
      'teams',
      ['members', '-t', 'example'],
      /There are no teams on this server\. Share an app with: heroku access:add EMAIL/,
    ],
    ['pipelines', ['pipelines:create', 'example', '-s', 'production', ...app], /There are no pipelines on this server/],
    ['a role in a team', ['access:update', 'ada@example.com', '-p', 'view', ...app], /not owned by a team/],
    [
      'OAuth clients',
      ['clients'],
      /no OAuth clients on this server\. Create a token with: heroku authorizations:create/,
    ],
    ['telemetry drains', ['telemetry', ...app], /no telemetry drains on this server\. .*heroku drains:add URL/],
    [
      'a service',
      ['addons:create', 'mongodb', ...app],
      /no service "mongodb"; there is memcached, mysql, heroku-postgresql, rabbitmq, heroku-redis/,
    ],
    ['a database', ['pg:psql', ...app], /acme has no databases/],
    ['settings of a database', ['pg:settings', ...app], /acme has no databases/],
    ['an add-on by name', ['addons:info', 'postgresql-round-1234', ...app], /no add-on "postgresql-round-1234"/],
    [
      'a shell in a dyno',
      ['ps:exec', ...app],
      /ps:socks are not available\. Get a shell in a running dyno with: paas ps:exec\./,
    ],
    ['labs of accounts', ['labs:enable', 'spaces'], /Accounts have no features on this server/],
    ['another stack', ['apps:stacks:set', 'heroku-24', ...app], /no stack "heroku-24"; this server has debian-13/],
    ['certificates by ACME', ['certs:auto:refresh', ...app], /does not request certificates/],
    ['favorites', ['apps:favorites'], /nothing is sent to particleboard\.heroku\.com\. This shell speaks to http:/],
    ['figures', ['apps:errors', ...app], /nothing is sent to api\.metrics\.herok\S+\.com/],
  ])('%s, and what to do instead where there is something', async (_what, argv, says) => {
    const { code, stderr } = await user.heroku(argv)
    expect(code).not.toBe(0)
    expect(stderr.replaceAll(/\s+›?\s*/g, ' ')).toMatch(says)
  })

  it('the question how Heroku is', async () => {
    expect((await user.heroku(['status'])).stderr).toContain('platform status is unavailable')
  })
})

it('nothing was asked of any other machine', async () => {
  expect(await user.strayConnections()).toEqual([])
})
