import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import packets, { type Packet } from 'dns-packet'

/** A name server at these addresses that has one answer to all, and prints who was asked for what, a line each. */
const answer = { type: 'A', ttl: 1, data: '203.0.113.9' } as const

for (const address of process.argv.slice(2)) {
  const socket = createSocket('udp4')
  socket.on('message', (message, { port, address: to }) =>
    socket.send(packets.encode(reply(address, packets.decode(message))), port, to),
  )
  const server = createServer((connection) =>
    connection
      .on('data', (data) => connection.end(packets.streamEncode(reply(address, packets.streamDecode(data)))))
      .on('error', () => undefined),
  )
  await new Promise<void>((resolve) => socket.bind(53, address, resolve))
  await new Promise<void>((resolve) => server.listen(53, address, resolve))
}
console.log('up')

function reply(address: string, { id = 0, questions = [] }: Packet): Packet {
  for (const { name } of questions) console.log(`${address} ${name}`)
  const answers = questions.filter(({ type }) => type === 'A').map(({ name }) => ({ ...answer, name }))
  return { id, type: 'response', questions, answers }
}
