import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { checkDestination } from '../../src/outbound/destination.ts'
import { createOutbound } from '../../src/outbound/outbound.ts'
import { Poster } from '../../src/outbound/post.ts'
import { openStream } from '../../src/outbound/stream.ts'
import { HttpReceiver } from './receiver.ts'

/** Other people's name servers: what `rebound.example.com` leads to may change between two questions. */
const names = vi.hoisted(() => ({ address: '93.184.216.34' }))
vi.mock('node:dns', async (original) => {
  const dns = await original<typeof import('node:dns')>()
  const answer = () => [{ address: names.address, family: 4 }]
  const lookup: unknown = (_host: string, _options: object, found: (error: null, all: object[]) => void) =>
    found(null, answer())
  return { ...dns, lookup, promises: { ...dns.promises, lookup: async () => answer() } }
})

const never = new AbortController().signal
const outbound = (allow: string[]) => createOutbound({ outbound: { allow }, certificateFiles: [], httpPort: 8080 })
const open = outbound(['127.0.0.0/8'])
const shut = outbound([])

let receiver: HttpReceiver
beforeEach(async () => {
  receiver = await HttpReceiver.start()
  names.address = '127.0.0.1'
})
afterEach(() => receiver[Symbol.asyncDispose]())

async function post(deps: typeof open, host = '127.0.0.1', path = '/'): Promise<number> {
  using poster = new Poster(deps, { keepAlive: true })
  const url = new URL(`http://${host}:${receiver.port}${path}`)
  return await poster.post({ url, headers: { 'x-y': 'z' }, body: Buffer.from('hello') }, never)
}

describe('a post to an address that a user entered', () => {
  it('arrives, with the password of the URL as a header', async () => {
    expect(await post(open, 'user:p%40ss@127.0.0.1', '/a?b')).toBe(204)
    expect(receiver.requests).toMatchObject([{ path: '/a?b', body: 'hello', headers: { 'x-y': 'z' } }])
    const [, basic = ''] = receiver.requests[0]?.headers.authorization?.split(' ') ?? []
    expect(Buffer.from(basic, 'base64').toString()).toBe('user:p@ss')
  })

  it.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', 'rebound.example.com'])(
    'never arrives at %s, which is loopback',
    async (host) => {
      await expect(post(shut, host)).rejects.toMatchObject({ code: 'address_forbidden' })
      expect(receiver.requests).toEqual([])
    },
  )

  it('never arrives at a private address of a name that had a public one when it was entered', async () => {
    const { policy } = shut
    names.address = '93.184.216.34'
    await checkDestination(policy, { host: 'rebound.example.com', port: receiver.port })
    names.address = '127.0.0.1'
    await expect(post(shut, 'rebound.example.com')).rejects.toMatchObject({ code: 'address_forbidden' })
    const destination = { host: 'rebound.example.com', port: receiver.port, secure: false }
    await expect(openStream(shut, destination, never)).rejects.toMatchObject({ code: 'address_forbidden' })
    await expect(checkDestination(policy, destination)).rejects.toMatchObject({ code: 'address_forbidden' })
  })

  it('does not follow a redirect', async () => {
    receiver.answer = (response) =>
      response.writeHead(307, { location: `http://127.0.0.1:${receiver.port}/internal` }).end()
    expect(await post(open)).toBe(307)
    expect(receiver.requests.map(({ path }) => path)).toEqual(['/'])
  })

  it('reads only the beginning of an answer without end', async () => {
    let sent = 0
    const closed = Promise.withResolvers<void>()
    receiver.answer = (response) => {
      response.on('close', () => closed.resolve())
      const more = (): void => {
        for (let room = true; room && !response.destroyed; sent += 65_536) room = response.write(Buffer.alloc(65_536))
      }
      response.writeHead(200).on('drain', more)
      more()
    }
    expect(await post(open)).toBe(200)
    await closed.promise
    expect(sent).toBeLessThan(32 * 2 ** 20)
  })

  it('gives up on an answer that never comes, and on one that drips', async () => {
    let late = new AbortController()
    const timeUp = (): void => late.abort(new DOMException('late', 'TimeoutError'))
    vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => (late = new AbortController()).signal)
    receiver.answer = () => timeUp()
    await expect(post(open)).rejects.toMatchObject({ name: 'TimeoutError' })
    receiver.answer = (response) => {
      response.writeHead(200)
      let drops = 0
      const drip = setInterval(() => (++drops < 5 ? response.write('.') : timeUp()), 10)
      void once(response, 'close').then(() => clearInterval(drip))
    }
    await expect(post(open)).rejects.toMatchObject({ name: 'TimeoutError' })
    vi.restoreAllMocks()
  })
})
