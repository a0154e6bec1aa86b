import { describe, expect, it } from 'vitest'
import { startApp, startRawApp } from './helpers/apps.ts'
import { RawClient } from './helpers/raw-client.ts'
import { route, startRouter } from './helpers/router.ts'

const head = (method: string, fields = '') => `${method} / HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n`
const silence = (app: { port: number }, seen: object) => [{ id: `t${app.port}`, silentMs: expect.any(Number), ...seen }]

describe('a target of which nothing comes', () => {
  it('owes an answer, whether its visitor still waits or has left', async () => {
    await using app = await startRawApp(() => undefined)
    await using router = await startRouter({ routes: [route([app])] })
    const silences = () => router.router.silences(300)
    await expect.poll(silences).toEqual(silence(app, { owes: false, held: false }))
    const visitor = await RawClient.connect(router.port)
    visitor.socket.write(head('GET'))
    await expect.poll(silences).toEqual(silence(app, { owes: true, held: false }))
    visitor.socket.destroy()
    await expect.poll(() => router.lines.length).toBe(1)
    expect(silences()).toEqual(silence(app, { owes: true, held: false }))
  })

  it('is none when it answers now and then, or sends a part of an answer or of what goes through a WebSocket', async () => {
    await using app = await startRawApp((socket, data) => {
      if (data.includes('Upgrade')) socket.write('HTTP/1.1 101 OK\r\nConnection: upgrade\r\nUpgrade: own\r\n\r\n')
      else if (data.includes('GET')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n')
      else socket.write('more')
    })
    await using router = await startRouter({ routes: [route([app])] })
    const silences = () => router.router.silences(500)
    for (const fields of ['', 'Connection: upgrade\r\nUpgrade: own\r\n']) {
      const visitor = await RawClient.connect(router.port)
      visitor.socket.write(head('GET', fields))
      await visitor.until(/\r\n\r\n/)
      await expect.poll(silences).toHaveLength(1)
      app.sockets.at(-1)?.write('more')
      await visitor.until(/more/)
      expect(silences()).toEqual([])
      visitor.socket.destroy()
    }
  })

  it('is held by a visitor who sends or takes slowly, not by one whose request it does not take', async () => {
    await using app = await startApp((req, res) => {
      if (req.method === 'GET') res.end(Buffer.alloc(2 ** 24))
      else if (req.method === 'POST') req.pause()
      else req.resume()
    })
    await using router = await startRouter({ routes: [route([app])] })
    const silences = () => router.router.silences(300)
    const slow = await RawClient.connect(router.port)
    slow.socket.write(`${head('PUT', 'Content-Length: 1000\r\n')}a part`)
    await expect.poll(silences).toEqual(silence(app, { owes: true, held: true }))
    slow.socket.destroy()
    const reader = await RawClient.connect(router.port)
    reader.socket.pause()
    reader.socket.write(head('GET'))
    await expect.poll(silences).toEqual(silence(app, { owes: true, held: true }))
    reader.socket.destroy()
    const sender = await RawClient.connect(router.port)
    sender.socket.write(head('POST', 'Content-Length: 1000000000\r\n'))
    const sending = setInterval(() => sender.socket.writableNeedDrain || sender.socket.write(Buffer.alloc(2 ** 20)), 1)
    await expect.poll(() => silences().map(({ held }) => held)).toEqual([false])
    clearInterval(sending)
    sender.socket.destroy()
  })
})
