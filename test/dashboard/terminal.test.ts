import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { encodeAttachFrame } from '../../src/model/attach-frames.ts'
import { TestApi } from '../api/test-api.ts'
import { PlainBrowser } from './browser.ts'

const api = await TestApi.forFile()
const browser = new PlainBrowser(api)
await browser.logIn()

/** Stands where the worker is: what it is asked with, and the frames that come after it. */
let worker: { lines: string[]; sockets: Socket[] }
const server = createServer((socket) => {
  worker.sockets.push(socket)
  socket.on('error', () => undefined)
  socket.once('data', (data) => worker.lines.push(data.toString()))
})
beforeAll(async () => {
  worker = { lines: [], sockets: [] }
  server.listen(api.config.paths.rendezvousSocket)
  await once(server, 'listening')
})
afterAll(() => server.close())

const token = 'a'.repeat(43)

function open(headers: Record<string, string> = {}): WebSocket {
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  return new WebSocket(`ws+unix:${api.config.paths.apiSocket}:/dashboard/terminal`, {
    headers: { host: 'localhost:8080', origin: 'http://localhost:8080', cookie, ...headers },
  })
}

/** Its status, where it is refused. */
async function refusal(socket: WebSocket): Promise<number | undefined> {
  socket.on('error', () => undefined)
  const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode?: number }]
  return answer.statusCode
}

describe('a terminal in the browser', () => {
  it('has frames both ways with the process that its token is of, and ends with it', async () => {
    const socket = open()
    await once(socket, 'open')
    socket.send(`${token} 100x30`)
    const frame = encodeAttachFrame({ type: 'input', data: Buffer.from('ls\r') })
    await expect.poll(() => worker.lines).toEqual([`${token} paas-attach 100x30\r\n`])
    const [own] = worker.sockets
    socket.send(frame)
    const [typed] = (await once(own!, 'data')) as [Buffer]
    expect(typed).toEqual(frame)
    const answer = encodeAttachFrame({ type: 'stdout', data: Buffer.from('file\r\n') })
    own!.write(answer)
    const [shown] = (await once(socket, 'message')) as [Buffer]
    expect(shown).toEqual(answer)
    own!.end()
    await once(socket, 'close')
  })

  it('ends the process when the page is closed', async () => {
    const socket = open()
    await once(socket, 'open')
    socket.send(`${token} 80x24`)
    await expect.poll(() => worker.sockets).toHaveLength(2)
    socket.close()
    await once(worker.sockets[1]!, 'close')
  })

  it('is refused to a page of another server, to nobody who is logged in, and under another name', async () => {
    expect(await refusal(open({ origin: 'http://evil.localhost:8080' }))).toBe(403)
    expect(await refusal(open({ cookie: '' }))).toBe(403)
    expect(await refusal(open({ host: 'rebound.example.com', origin: 'http://rebound.example.com' }))).toBe(403)
  })

  it('is closed for what is no token', async () => {
    const socket = open()
    await once(socket, 'open')
    socket.send('x 80x24')
    const [code] = (await once(socket, 'close')) as [number]
    expect(code).toBe(1008)
  })

  it('is asked for with a command, by who may run one', async () => {
    await api.newApp('shell')
    api.deploy(api.store.apps.find('shell')!)
    await browser.open('/dashboard/apps/shell/terminal')
    const page = await browser.submit('Run it', { command: 'bash', size: 'standard-1x' })
    expect(page.text).toMatch(/id="terminal"[^>]* data-token="[\w-]{32,}"/)
    expect(api.store.oneOffs.list(api.store.apps.find('shell')!.id)).toMatchObject([{ command: 'bash' }])
    const { account } = api.stranger('looks@example.com', 'correct horse')
    api.store.collaborators.set(api.store.apps.find('shell')!.id, account.id, 'view')
    const viewer = new PlainBrowser(api)
    await viewer.logIn('looks@example.com')
    await viewer.open('/dashboard/apps/shell/terminal')
    expect((await viewer.submit('Run it', { command: 'bash', size: 'standard-1x' })).status).toBe(403)
  })
})
