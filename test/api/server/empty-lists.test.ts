import { describe, expect, it } from 'vitest'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()
await api.createApp('acme')

it.each([
  '/addons',
  '/addon-attachments',
  '/apps/acme/addons',
  '/apps/acme/addon-attachments',
  '/pipelines',
  '/pipelines?eq[name]=acme',
  '/teams',
  '/spaces',
])('%s is an empty list, so that clients which look for some go on', async (path) => {
  expect(await api.call('GET', path)).toMatchObject({ status: 200, body: [] })
})

it('an app that is not there has none of them', async () => {
  expect((await api.call('GET', '/apps/nobody/addons')).status).toBe(404)
})

describe('whoever wants a database', () => {
  it.each([
    ['POST', '/apps/acme/addons'],
    ['POST', '/actions/addons/resolve'],
    ['POST', '/actions/addon-attachments/resolve'],
    ['GET', '/addon-services/heroku-postgresql/plans'],
    ['GET', '/client/v11/apps/acme/transfers'],
    ['GET', '/postgres/v0/databases/postgresql-round-1234/credentials/default'],
    ['GET', '/redis/v0/databases/redis-round-1234'],
    ['GET', '/data/kafka/v0/clusters/kafka-round-1234'],
  ])('by %s %s is told of config vars and of what the operator can open', async (method, path) => {
    const { status, body } = await api.call(method, path)
    expect([status, body['id']]).toEqual([404, 'not_available'])
    expect(body['message']).toMatch(
      /no add-ons on this server\..*config:set DATABASE_URL=.*PAAS_ALLOW_HOST=5432.*PAAS_ALLOW_NETWORKS/,
    )
  })
})

it.each([
  ['POST', '/pipelines', /no pipelines/],
  ['POST', '/teams', /no teams.*access:add/],
  ['GET', '/teams/example', /no teams/],
  ['POST', '/spaces', /no private spaces/],
])('%s %s is refused with what there is instead', async (method, path, says) => {
  const { status, body } = await api.call(method, path)
  expect([status, body['message']]).toEqual([404, expect.stringMatching(says)])
})

it('all answers have the shape of their route', () => expectAllSeen('server/empty-lists.test.ts'))
