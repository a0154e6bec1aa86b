import { describe, expect, it } from 'vitest'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()
await api.createApp('acme')

it.each(['/pipelines', '/pipelines?eq[name]=acme', '/teams', '/spaces'])(
  '%s is an empty list, so that clients which look for some go on',
  async (path) => {
    expect(await api.call('GET', path)).toMatchObject({ status: 200, body: [] })
  },
)

describe('whoever wants more of a database than there is', () => {
  it.each([
    ['GET', '/postgres/v0/databases/postgresql-round-1234/config'],
    ['POST', '/client/v11/databases/postgresql-round-1234/links'],
    ['GET', '/data/kafka/v0/clusters/kafka-round-1234'],
  ])('by %s %s is told what there is instead', async (method, path) => {
    const { status, body } = await api.call(method, path)
    expect([status, body['id']]).toEqual([404, 'not_available'])
    expect(body['message']).toMatch(/Followers, .*not on this server\. .*pg:backups:capture/)
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
