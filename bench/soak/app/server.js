const { createHash } = require('node:crypto')
const { readFileSync } = require('node:fs')
const { createServer } = require('node:http')

const version = readFileSync('version.txt', 'utf8')
/** What the soak is to find out: `request` cuts an answer now and then, `log` prints less than it is asked to. */
const fault = process.env.SOAK_FAULT
const every = 100
const open = new Set()
let count = 0

const server = createServer((request, response) => {
  if (request.url === '/version') return response.end(version)
  if (request.url === '/round') return response.end(process.env.SOAK_ROUND)
  const hit = ++count % every === 0
  if (fault === 'request' && hit) return request.socket.destroy()
  if (fault !== 'log' || !hit) console.log(`soak ${request.url.slice('/n/'.length)}`)
  if (request.method === 'POST') request.pipe(response)
  else response.end(request.url)
})

/** RFC 6455, as far as short messages in one frame need it. */
server.on('upgrade', (request, socket) => {
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
  const accept = createHash('sha1').update(key).digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  open.add(socket)
  socket.on('error', () => socket.destroy())
  socket.on('close', () => open.delete(socket))
  let pending = Buffer.alloc(0)
  socket.on('data', (bytes) => {
    pending = Buffer.concat([pending, bytes])
    while (pending.length >= 2 && pending.length >= frameLength(pending)) {
      const length = frameLength(pending)
      answer(socket, pending.subarray(0, length))
      pending = pending.subarray(length)
    }
  })
})

function frameLength(bytes) {
  return 2 + (bytes[1] & 0x80 ? 4 : 0) + (bytes[1] & 0x7f)
}

function answer(socket, frame) {
  const masked = (frame[1] & 0x80) !== 0
  const mask = frame.subarray(2, 6)
  const payload = Buffer.from(frame.subarray(masked ? 6 : 2)).map((byte, i) => (masked ? byte ^ mask[i % 4] : byte))
  const opcode = frame[0] & 0x0f
  const reply = Buffer.concat([Buffer.from([0x80 | (opcode === 9 ? 10 : opcode), payload.length]), payload])
  if (opcode === 8) socket.end(reply)
  else if (opcode !== 10) socket.write(reply)
}

process.on('SIGTERM', () => {
  for (const socket of open) socket.end(Buffer.from([0x88, 2, 0x03, 0xe9]))
  server.close(() => process.exit(0))
})
server.listen(process.env.PORT)
