import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { everyFrame, fromClient, fromServer, piece } from './echo-frames.ts'

/**
 * `node node-backend.ts PORT`: reads the whole of a body before it answers, as nginx alone cannot, and sends each message
 * of a WebSocket back, with little work of its own. `GET /N` is answered with N MiB.
 */

// RFC 6455 section 1.3
const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

createServer((request, response) => {
  const mebibytes = Number(request.url?.slice(1))
  if (mebibytes > 0) return void Readable.from(Array.from({ length: mebibytes }, () => piece)).pipe(response)
  request.resume().on('end', () => response.end('ok'))
})
  .on('upgrade', (request, socket) => {
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${guid}`).digest('base64')
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    socket.on('error', () => socket.destroy())
    socket.on('end', () => socket.end())
    socket.on(
      'data',
      everyFrame(fromClient.length, () => socket.write(fromServer)),
    )
  })
  .listen(Number(process.argv[2]), '127.0.0.1')
