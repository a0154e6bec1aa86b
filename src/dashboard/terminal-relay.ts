import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import type { IncomingMessage } from 'node:http'
import type { WebSocket } from 'ws'
import { attachProtocol, parseSize } from '../model/attach-frames.ts'
import { openWebSockets } from './web-sockets.ts'

/** Bytes of one message of a browser: keys and pasted text. */
const longestMessage = 2 ** 18
/** Bytes that wait for a slow browser before the process is held. */
const mostWaiting = 2 ** 20
/** Milliseconds that a browser has to say which terminal it comes for. */
const patience = 10_000

/**
 * Connects a browser with the worker, which runs the process: the token of its `attach_url` counts,
 * as for `paas run`. The first message is text, the token and the size of the terminal; after it
 * come frames both ways (`attach-frames.ts`), as they are on the socket.
 */
export async function relayTerminal(
  { request, socket, head }: { request: IncomingMessage; socket: Duplex; head: Buffer },
  rendezvousSocket: string,
): Promise<void> {
  const sockets = await openWebSockets(longestMessage)
  sockets.handleUpgrade(request, socket, head, (browser) => {
    const late = setTimeout(() => browser.close(1008, 'no token'), patience)
    browser.once('close', () => clearTimeout(late))
    browser.on('error', () => browser.terminate())
    browser.once('message', (data: Buffer, isBinary: boolean) => {
      clearTimeout(late)
      const [, token, size = ''] = /^([\w-]{32,128}) (\d{1,5}x\d{1,5})$/.exec(isBinary ? '' : data.toString()) ?? []
      if (token === undefined || !parseSize(size)) return browser.close(1008, 'no token')
      join(browser, { token, size, path: rendezvousSocket })
    })
  })
}

function join(browser: WebSocket, { token, size, path }: { token: string; size: string; path: string }): void {
  const worker = connect(path, () => worker.write(`${token} ${attachProtocol} ${size}\r\n`))
  worker.on('error', () => browser.close(1011, 'the worker is away'))
  worker.on('close', () => browser.close(1000))
  worker.on('data', (chunk) => {
    browser.send(chunk, { binary: true }, () => {
      if (browser.bufferedAmount < mostWaiting) worker.resume()
    })
    if (browser.bufferedAmount >= mostWaiting) worker.pause()
  })
  browser.on('message', (data: Buffer, isBinary: boolean) => {
    if (!isBinary) return browser.close(1003, 'frames are binary')
    if (worker.write(data)) return
    browser.pause()
    worker.once('drain', () => browser.resume())
  })
  browser.on('close', () => worker.destroy())
}
