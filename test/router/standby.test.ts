import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { isRoutingTable } from '../../src/router/table/table-schema.ts'
import { refusingPort, startApp, startRawApp } from './helpers/apps.ts'
import { statusOf, talk } from './helpers/raw-client.ts'
import { route, startRouter, type TestRouter } from './helpers/router.ts'

const get = (router: TestRouter) => talk(router.port, 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n')
const post = (router: TestRouter) =>
  talk(router.port, 'POST / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi')

/** The new release on `port`, with the old one beside it until the new one has held. */
function handingOver(port: number, old: { port: number }) {
  return route([{ port }], { standby: route([old]).targets })
}

const startOld = () => startApp((_, res) => res.end('old'))

describe('a dyno on standby', () => {
  it('gets nothing while the one that took over takes connections', async () => {
    await using old = await startOld()
    await using next = await startApp((_, res) => res.end('new'))
    await using router = await startRouter({ routes: [handingOver(next.port, old)] })
    for (let i = 0; i < 10; i++) expect(await get(router)).toMatch(/new$/)
  })

  it('gets what the other refuses, with or without a body', async () => {
    await using old = await startOld()
    await using router = await startRouter({ routes: [handingOver(refusingPort, old)] })
    expect(await get(router)).toMatch(/old$/)
    expect(await post(router)).toMatch(/old$/)
    expect(router.lines).toEqual([expect.stringMatching(/at=info/), expect.stringMatching(/at=info/)])
  })

  it('gets soon what the other takes no connection for', async () => {
    await using old = await startOld()
    await using mute = await startMute()
    await using router = await startRouter({ routes: [handingOver(mute.port, old)] })
    expect(await get(router)).toMatch(/old$/)
    expect(router.lines).toEqual([expect.stringMatching(/connect=\d{3}ms/)])
  })

  it('gets what may be asked twice when the other dies before its answer, and nothing else', async () => {
    await using old = await startOld()
    await using dying = await startRawApp((socket) => socket.destroy())
    await using router = await startRouter({ routes: [handingOver(dying.port, old)] })
    expect(await get(router)).toMatch(/old$/)
    expect(statusOf(await post(router))).toBe(503)
    expect(router.lines[1]).toMatch(/code=H13/)
  })

  it('is the app again when its route comes back under a request', async () => {
    await using old = await startOld()
    await using router = await startRouter()
    await using dying = await startRawApp((socket) => {
      router.router.routes.switchTo(route([old]))
      socket.destroy()
    })
    router.router.routes.switchTo(handingOver(dying.port, old))
    expect(await get(router)).toMatch(/old$/)
  })

  it('that dies too leaves the answer H13', async () => {
    await using dying = await startRawApp((socket) => socket.destroy())
    await using old = await startRawApp((socket) => socket.destroy())
    await using router = await startRouter({ routes: [handingOver(dying.port, old)] })
    expect(await get(router)).toMatch(/H13/)
  })

  it('is replaced, and can be drained, when it is on no route any more', async () => {
    await using old = await startOld()
    await using next = await startApp((_, res) => res.end('new'))
    await using router = await startRouter({ routes: [route([old])] })
    const { routes } = router.router
    expect(routes.switchTo(handingOver(next.port, old))).toEqual([])
    expect(routes.switchTo(route([next]))).toMatchObject([{ port: old.port }])
  })
})

it('a saved table may have a standby, of whole targets only', () => {
  const table = (standby: object[]) => ({ controlHost: 'a', controlSocket: 'b', routes: [{ ...route([]), standby }] })
  expect(isRoutingTable(table(route([{ port: 1 }]).targets))).toBe(true)
  expect(isRoutingTable(table([{ id: 'x' }]))).toBe(false)
})

/** A port where connections neither come about nor are refused: what listens there takes none, and its queue is full. */
async function startMute(): Promise<AsyncDisposable & { port: number }> {
  const script =
    "require('net').createServer().listen({port:0,host:'127.0.0.1',backlog:1},function(){console.log(this.address().port)})"
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const port = Number(await once(child.stdout, 'data'))
  child.kill('SIGSTOP')
  const sockets: Socket[] = []
  for (let i = 0; i < 4; i++) sockets.push(connect({ port, host: '127.0.0.1' }).on('error', () => undefined))
  await Promise.all(sockets.slice(0, 2).map((socket) => once(socket, 'connect')))
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      child.kill('SIGKILL')
    },
  }
}
