import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { TestApi } from '../test-api.ts'

/** A client whose request is half sent when the api begins to close. */
async function askWhileClosing(path: string): Promise<{ head: string; body: unknown }> {
  const api = await TestApi.start()
  const socketPath = api.config.paths.apiSocket
  const client = connect(socketPath)
  await once(client, 'connect')
  client.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n`)
  // The half request has arrived when one that was sent later has its answer.
  await api.call('GET', '/account')
  const closed = api[Symbol.asyncDispose]()
  await refusal(socketPath)
  client.write(`Authorization: Bearer ${api.token}\r\n\r\n`)
  const [head = '', body = ''] = (await text(client)).split('\r\n\r\n')
  await closed
  return { head, body: JSON.parse(body) as unknown }
}

/** Resolves when the socket takes no new connections. */
async function refusal(path: string): Promise<void> {
  const probe = connect(path)
  const { promise: taken, resolve } = Promise.withResolvers<boolean>()
  probe.once('connect', () => resolve(true)).on('error', () => resolve(false))
  const again = await taken
  probe.destroy()
  if (again) await refusal(path)
}

it.each(['/apps', '/nothing/here'])(
  'GET %s is told to come back while the api closes, in the form of every error',
  async (path) => {
    const { head, body } = await askWhileClosing(path)
    expect(head).toMatch(/^HTTP\/1\.1 503 /)
    expect(head).toMatch(/\r\nretry-after: \d+\r\n/i)
    expect(head).toMatch(/\r\nconnection: close\r\n/i)
    expect(body).toEqual({ id: 'server_closing', message: expect.stringMatching(/restarting.*again/) })
  },
)
