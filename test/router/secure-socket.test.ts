import { once } from 'node:events'
import { connect as connectRaw, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect, createSecureContext } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SecureSocket } from '../../src/router/tls/secure-socket.ts'
import { listen } from './helpers/apps.ts'
import { testIdentity } from './helpers/tls-router.ts'

/** Far more than the kernel keeps between the two ends. */
const much = 'x'.repeat(20_000_000)

describe('what is sent past the stream of a TLS connection', () => {
  const server = createServer({ noDelay: true, allowHalfOpen: true })
  let [near, far]: [SecureSocket, Socket] | [] = []

  beforeEach(async () => {
    const { identity } = await testIdentity()
    const raw = connectRaw(await listen(server), '127.0.0.1')
    far = connect({ socket: raw, rejectUnauthorized: false })
    const [accepted] = (await once(server, 'connection')) as [Socket]
    const secureContext = createSecureContext({ cert: identity.certificate, key: identity.key })
    near = new SecureSocket(accepted, { isServer: true, secureContext })
    await Promise.all([once(near, 'secure'), once(far, 'secureConnect')])
  })

  afterEach(() => {
    near!.destroy()
    far!.destroy()
    server.close()
  })

  it('comes before what the stream writes after it, and before the end', async () => {
    expect(near!.send(much)).toBe(true)
    near!.write('and then')
    near!.end()
    expect((await text(far!)) === `${much}and then`).toBe(true)
  })

  it('is one at a time, and nothing while the stream writes', async () => {
    expect([near!.send('one'), near!.isSending, near!.send('two')]).toEqual([true, true, false])
    near!.write(' two')
    expect(near!.send('three')).toBe(false)
    near!.end()
    expect(await text(far!)).toBe('one two')
  })

  it('is given up when the connection is cut, with what waits for it', async () => {
    expect(near!.send(much)).toBe(true)
    const failed = once(near!, 'error')
    const written = new Promise((resolve) => near!.write('and then', resolve))
    far!.destroy()
    await failed
    expect(await written).toBeInstanceOf(Error)
    expect([near!.isSending, near!.destroyed]).toEqual([false, true])
  })
})
