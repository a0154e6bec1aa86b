import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Grants, mostOpen } from '../../src/grants/grants.ts'
import { createLog } from '../../src/log.ts'
import type { App } from '../../src/model/app.ts'
import type { Account, Token } from '../../src/model/account.ts'
import { openOutputWriters } from '../../src/output/writer.ts'
import { until } from '../helpers/app.ts'
import { TestApi } from './test-api.ts'

/** What was authorised once ends with what authorised it: each way of losing an access is tried on all that is open because of it. */

let api: TestApi
let outputs: ReturnType<typeof openOutputWriters>
beforeAll(async () => {
  api = await TestApi.start()
  const { redis, config, serverId } = api
  const log = createLog('test', 'silent')
  outputs = openOutputWriters({ ...redis.deps, serverId, directory: config.paths.builds, log })
})
afterAll(async () => {
  await outputs[Symbol.asyncDispose]()
  await api[Symbol.asyncDispose]()
})

type Somebody = { account: Account; token: Token; secret: string; app: App }

let count = 0
/** Somebody who may deploy an app of the admin's, with a token that a login with the password made. */
async function somebody(expiresAt?: Date): Promise<Somebody> {
  const { account } = api.stranger(`somebody-${++count}@example.com`)
  const { name } = await api.createApp(`app-${count}`)
  const app = api.store.apps.find(String(name))!
  api.store.collaborators.set(app.id, account.id, 'deploy')
  const made = { accountId: account.id, description: 'login', scope: ['global'], session: true }
  const { token, secret } = api.store.tokens.create({ ...made, ...(expiresAt && { expiresAt }) })
  return { account, token, secret, app }
}

async function addressOf({ secret }: Somebody, path: string, key: string, body?: object): Promise<string> {
  const answer = await api.call(body ? 'POST' : 'GET', path, { token: secret, ...(body && { body }) })
  const found = answer.body[key] ?? answer.body['source_blob']?.[key]
  const { pathname, search } = new URL(String(found))
  return pathname + search
}

type Open = { method: 'GET' | 'PUT'; path: string; answered: boolean }

/** Each gives an address that stays open once it is opened. */
const kinds: Record<string, (who: Somebody) => Promise<Open>> = {
  'the tail of a log': async (who) => {
    const path = await addressOf(who, `/apps/${who.app.name}/log-sessions`, 'logplex_url', { tail: true })
    return { method: 'GET', path, answered: true }
  },
  'the output of a build': async (who) => {
    const { id: appId, ownerId: accountId } = who.app
    const { builds } = api.store
    const place = { appId, accountId, commit: 'a'.repeat(40), ref: null, previousCommit: null }
    const { id } = builds.claim(builds.create({ ...place, noCache: false, detached: false }).build.id)!
    const path = await addressOf(who, `/apps/${who.app.name}/builds/${id}`, 'output_stream_url')
    return { method: 'GET', path, answered: true }
  },
  'the output of a release command': async (who) => {
    api.deploy(who.app, 'a'.repeat(40), { web: 'npm start', release: 'migrate' })
    const { slugId } = api.store.releases.list(who.app.id)[0]!
    const described = { slugId, description: 'Set A', config: {} }
    const { id } = api.store.releases.create({ appId: who.app.id, accountId: who.app.ownerId, ...described })
    outputs.open(id).write('migrating\n')
    const path = await addressOf(who, `/apps/${who.app.name}/releases/${id}`, 'output_stream_url')
    await expect.poll(() => existsSync(join(api.config.paths.builds, `${id}.log`))).toBe(true)
    return { method: 'GET', path, answered: true }
  },
  'the upload of a tarball': async (who) => {
    return { method: 'PUT', path: await addressOf(who, '/sources', 'put_url', {}), answered: false }
  },
}

const asAdmin = (method: string, path: string, body?: object) => api.call(method, path, { ...(body && { body }) })
const asThemselves = ({ secret }: Somebody, method: string, path: string, body?: object) =>
  api.call(method, path, { token: secret, ...(body && { body }) })
const role = (who: Somebody) => `/apps/${who.app.name}/collaborators/${who.account.email}`

/** `ofApp`: it takes the app away, nothing else. */
const losses: { how: string; ofApp?: boolean; take: (who: Somebody) => Promise<unknown> }[] = [
  {
    how: 'the account is disabled',
    take: ({ account }) => asAdmin('PATCH', `/accounts/${account.id}`, { suspended: true }),
  },
  { how: 'the account is removed', take: ({ account }) => asAdmin('DELETE', `/accounts/${account.id}`) },
  { how: 'the collaborator is removed', ofApp: true, take: (who) => asAdmin('DELETE', role(who)) },
  { how: 'the collaborator leaves', ofApp: true, take: (who) => asThemselves(who, 'DELETE', role(who)) },
  { how: 'the app is destroyed', ofApp: true, take: ({ app }) => asAdmin('DELETE', `/apps/${app.name}`) },
  { how: 'the token is revoked', take: (who) => asThemselves(who, 'DELETE', `/oauth/authorizations/${who.token.id}`) },
  {
    how: 'the token gets another secret',
    take: (who) => asThemselves(who, 'POST', `/oauth/authorizations/${who.token.id}/actions/regenerate-tokens`),
  },
  { how: 'they log out', take: (who) => asThemselves(who, 'DELETE', '/oauth/sessions/~') },
  {
    how: 'they change their password elsewhere',
    take: (who) => {
      const elsewhere = api.tokenOf(who.account)
      return api.call('PATCH', '/account', { token: elsewhere, body: { new_password: 'new password' } })
    },
  },
]

/** Resolves with the answer when it begins. An upload never ends. */
async function open({ method, path, answered }: Open): Promise<{ closed: Promise<unknown>; answer?: IncomingMessage }> {
  const headers = { host: 'localhost', ...(method === 'PUT' && { 'content-length': '100' }) }
  const request: ClientRequest = httpRequest({
    socketPath: api.config.paths.apiSocket,
    method,
    path,
    agent: false,
    headers,
  })
  request.on('error', () => undefined)
  const closed = new Promise((resolve) => request.once('close', resolve))
  if (!answered) {
    request.flushHeaders()
    request.write('x')
    const id = path.split('/')[2] as Parameters<typeof api.store.sources.find>[0]
    await until('the upload has begun', async () => api.store.sources.find(id)?.state.kind === 'uploading')
    return { closed }
  }
  request.end()
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  answer.on('error', () => undefined).resume()
  return { closed, answer }
}

const tried = losses.flatMap((loss) =>
  Object.keys(kinds)
    .filter((kind) => !loss.ofApp || kind !== 'the upload of a tarball')
    .map((kind) => ({ kind, ...loss })),
)

describe.each(tried)('$kind', ({ kind, how, take }) => {
  it(`ends when ${how}, and its address opens no more`, async () => {
    const who = await somebody()
    const place = await kinds[kind]!(who)
    const { closed, answer } = await open(place)
    expect(answer?.statusCode ?? 200).toBe(200)
    await take(who)
    await closed
    const again = await api.call(place.method, place.path, { token: null, headers: { 'content-type': '' } })
    expect([403, 404]).toContain(again.status)
  })
})

it('what is open ends with the time of the token that it was asked for with', async () => {
  const who = await somebody(new Date(Date.now() + 1500))
  const places = await Promise.all(Object.values(kinds).map((kind) => kind(who)))
  await Promise.all(places.map(async (place) => (await open(place)).closed))
  for (const { method, path } of places) {
    const again = await api.call(method, path, { token: null, headers: { 'content-type': '' } })
    expect(again.body['message']).toBe('The token of this request has expired.')
  }
})

it('what a process beside the api changes ends it too', async () => {
  const who = await somebody()
  const { closed } = await open(await kinds['the tail of a log']!(who))
  api.store.accounts.suspend(who.account.id)
  await expect(closed).resolves.toBeUndefined()
})

it('a role that is lowered leaves what the lower one allows', async () => {
  const who = await somebody()
  const tail = await kinds['the tail of a log']!(who)
  const slug = await asThemselves(who, 'POST', `/apps/${who.app.name}/slugs`, { process_types: { web: 'x' } })
  const put = new URL(String((slug.body['blob'] as unknown as { url: string }).url)).pathname
  await asAdmin('PATCH', role(who), { role: 'view' })
  const { answer } = await open(tail)
  expect(answer?.statusCode).toBe(200)
  answer?.destroy()
  const upload = await api.call('PUT', put, { token: null, body: 'x', headers: { 'content-type': '' } })
  expect([upload.status, upload.body['message']]).toEqual([403, expect.stringContaining('it needs the role deploy')])
})

it('one account has so much open at once and no more, and others go on', async () => {
  using grants = new Grants(api.store)
  const [greedy, other] = [await somebody(), await somebody()]
  const grantOf = ({ account, token }: Somebody) => ({ accountId: account.id, token, app: null })
  const open = Array.from({ length: mostOpen }, () => grants.hold(grantOf(greedy)))
  expect(() => grants.hold(grantOf(greedy))).toThrow(expect.objectContaining({ code: 'rate_limit' }))
  using _others = grants.hold(grantOf(other))
  open[0]?.[Symbol.dispose]()
  using _again = grants.hold(grantOf(greedy))
})
