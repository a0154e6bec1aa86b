import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { everyFrame, fromClient, fromServer } from './echo-frames.ts'

/** `node echo-load.ts PORT SECONDS` prints how many messages came back over 64 WebSockets, one under way on each. */

const [port, seconds] = process.argv.slice(2).map(Number) as [number, number]
let echoes = 0

const sockets = await Promise.all(Array.from({ length: 64 }, () => openWebSocket(port)))
for (const socket of sockets) {
  socket.on('close', fail)
  socket.on(
    'data',
    everyFrame(fromServer.length, () => echo(socket)),
  )
  socket.write(fromClient)
}
await delay(seconds * 1000)
console.log(echoes)
process.exit(0)

function echo(socket: Socket): void {
  echoes++
  socket.write(fromClient)
}

async function openWebSocket(at: number): Promise<Socket> {
  const socket = connect({ port: at, host: '127.0.0.1', noDelay: true })
  socket.write(
    'GET / HTTP/1.1\r\nHost: bench.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  const [head] = (await once(socket, 'data')) as [Buffer]
  if (!head.toString('latin1').startsWith('HTTP/1.1 101 ')) fail()
  return socket
}

function fail(): never {
  console.error(`A WebSocket at port ${port} was closed, or not opened.`)
  process.exit(1)
}
