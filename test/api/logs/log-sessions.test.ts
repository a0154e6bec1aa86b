import { request as httpRequest, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readEvents } from '../../../src/cli/lines.ts'
import { createLog } from '../../../src/log.ts'
import type { AppLogWriter } from '../../../src/model/app-log.ts'
import { openAppLogWriter } from '../../../src/logs/writer.ts'
import type { AppId } from '../../../src/model/ids.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

let api: TestApi
let writer: AppLogWriter

beforeAll(async () => {
  api = await TestApi.start()
  writer = openAppLogWriter({ directory: api.config.paths.logs, log: createLog('test', 'silent') })
})
afterAll(async () => {
  await writer[Symbol.asyncDispose]()
  await api[Symbol.asyncDispose]()
})

/** An app, and a way to print something in its web.1. */
async function createApp(name: string): Promise<(text: string) => void> {
  const { id } = await api.createApp(name)
  return (text) => writer.write(id as unknown as AppId, { time: new Date(), source: 'app', process: 'web.1', text })
}

async function open(app: string, body: object): Promise<string> {
  const answer = await api.call('POST', `/apps/${app}/log-sessions`, { body })
  expect(answer.status).toBe(201)
  const { pathname, search } = new URL(String(answer.body['logplex_url']))
  return `${pathname}${search}`
}

function follow(path: string, headers = {}): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  httpRequest({
    socketPath: api.config.paths.apiSocket,
    path,
    agent: false,
    headers: { host: 'localhost', ...headers },
  })
    .on('response', resolve)
    .on('error', reject)
    .end()
  return promise
}

const events = { accept: 'text/event-stream' }
const dyno = { dyno: 'web' }

describe('a log session', () => {
  it('shows the log without a token, as events or as text', async () => {
    const say = await createApp('shown')
    say('hello')
    const path = await open('shown', { ...dyno, lines: 10 })
    await expect
      .poll(async () => (await api.call('GET', path, { token: null })).text)
      .toMatch(/^\S+ app\[web\.1\]: hello\n$/)
    const answer = await api.call('GET', path, { token: null, headers: events })
    expect(answer.headers['content-type']).toBe('text/event-stream')
    expect(answer.text).toMatch(/^id: 1:\d+\ndata: \S+\+00:00 app\[web\.1\]: hello\n\n$/)
  })

  it('with tail stays open, and goes on after Last-Event-ID', async () => {
    const say = await createApp('tailed')
    const path = await open('tailed', { ...dyno, tail: true })
    const first = await follow(path, events)
    say('one')
    const reading = readEvents(first)
    const { value: one } = await reading.next()
    expect(one?.data).toMatch(/: one$/)
    first.destroy()
    say('two')
    const second = await follow(path, { ...events, 'last-event-id': one?.id })
    const { value: two } = await readEvents(second).next()
    expect(two?.data).toMatch(/: two$/)
    second.destroy()
  })

  it('lets go of a reader that left', async () => {
    await createApp('left')
    const path = await open('left', { tail: true })
    for (let readers = 0; readers < 250; readers += 50) {
      const open = await Promise.all(Array.from({ length: 50 }, () => follow(path, events)))
      expect(open.every(({ statusCode }) => statusCode === 200)).toBe(true)
      for (const response of open) response.destroy()
    }
  })

  it('refuses more readers of one app than it can serve', async () => {
    await createApp('popular')
    const path = await open('popular', { tail: true })
    const readers = await Promise.all(Array.from({ length: 101 }, () => follow(path, events)))
    expect(readers.map(({ statusCode }) => statusCode).filter((status) => status === 429).length).toBe(1)
    for (const response of readers) response.destroy()
  })

  it('cannot be guessed or changed', async () => {
    const say = await createApp('secret')
    say('private')
    const path = await open('secret', {})
    const url = new URL(path, 'http://localhost')
    const session = JSON.parse(Buffer.from(url.searchParams.get('session') ?? '', 'base64url').toString())
    const forged = Buffer.from(JSON.stringify({ ...session, filter: { lines: 1500, follow: true } })).toString(
      'base64url',
    )
    url.searchParams.set('session', forged)
    for (const wrong of [
      `${url.pathname}${url.search}`,
      '/streams/logs',
      '/streams/logs?session=e30&pass=x',
      `${path}x`,
    ]) {
      const answer = await api.call('GET', wrong, { token: null })
      expect([answer.status, answer.text]).toEqual([404, expect.stringContaining('There is nothing at this URL.')])
    }
  })

  it('is not given for the app of somebody else', async () => {
    await createApp('theirs')
    const { token } = api.stranger()
    expect((await api.call('POST', '/apps/theirs/log-sessions', { body: {}, token })).status).toBe(404)
    expect((await api.call('POST', '/apps/theirs/log-sessions', { body: {}, token: null })).status).toBe(401)
  })

  it.each([
    [{ lines: 1501 }, 'lines'],
    [{ lines: '5' }, 'lines'],
    [{ source: 'nginx' }, 'source is "nginx"; it must be app or heroku.'],
    [{ dyno: 'web.1; x' }, 'dyno is "web.1; x"'],
    [{ follow: true }, '"follow" is not known'],
  ])('%j is refused', async (body, message) => {
    const { name } = await api.createApp()
    const answer = await api.call('POST', `/apps/${String(name)}/log-sessions`, { body })
    expect(answer.status).toBe(422)
    expect(answer.body['message']).toContain(message)
  })
})

it('shows every route of its own', () => expectAllSeen('logs/log-sessions.test.ts'))
