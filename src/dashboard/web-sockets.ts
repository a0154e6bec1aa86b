import type { WebSocketServer } from 'ws'

let opened: Promise<WebSocketServer> | undefined

/** Loaded at the first terminal; without compression, whose memory is that of many terminals. */
export function openWebSockets(longestMessage: number): Promise<WebSocketServer> {
  opened ??= import('ws').then(
    ({ WebSocketServer: Server }) =>
      new Server({ noServer: true, maxPayload: longestMessage, perMessageDeflate: false, clientTracking: false }),
  )
  return opened
}
