import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Outbox } from '../../../src/router/http/outbox.ts'
import { owned } from '../../../src/router/loans.ts'
import { listen } from '../helpers/apps.ts'

describe('what is sent soon', () => {
  const server = createServer({ noDelay: true })
  let [near, far]: Socket[] = []
  let outbox: Outbox

  beforeEach(async () => {
    const port = await listen(server)
    near = connect({ port, host: '127.0.0.1' })
    ;[far] = (await once(server, 'connection')) as [Socket]
    if (near.connecting) await once(near, 'connect')
    outbox = new Outbox(near)
  })

  afterEach(() => {
    near!.destroy()
    far!.destroy()
    server.close()
  })

  it('leaves as one piece at the end of the turn of the event loop', async () => {
    for (const word of ['one ', 'two ', 'three']) {
      outbox.text(word)
      outbox.flushSoon()
    }
    expect([near!.bytesWritten, outbox.sent]).toEqual([0, false])
    const [first] = (await once(far!, 'data')) as [Buffer]
    expect(first.toString()).toBe('one two three')
    expect(outbox.sent).toBe(true)
  })

  it('keeps its place before what is written at once, and before the end', async () => {
    outbox.text('soon, ')
    outbox.flushSoon()
    outbox.text('now, ')
    outbox.flush()
    outbox.text('last')
    outbox.flushSoon()
    await setImmediate()
    near!.end()
    expect(await text(far!)).toBe('soon, now, last')
  })

  it('is written at once where it is long, as whoever lent its bytes waits for that', async () => {
    let isWritten = false
    const lender = { send: (to: Outbox, bytes: Buffer) => to.piece(bytes, () => (isWritten = true)) }
    outbox.data(Buffer.alloc(20_000, 'x'), lender as typeof owned)
    outbox.flushSoon()
    expect(isWritten).toBe(true)
    near!.end()
    expect((await text(far!)).length).toBe(20_000)
  })

  it('is dropped with its connection', async () => {
    outbox.text('too late')
    outbox.flushSoon()
    near!.destroy()
    await setImmediate()
    expect(await text(far!)).toBe('')
  })
})
