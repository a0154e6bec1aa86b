// A wire between git and the server: stdin to the server's socket, its frames to stdout and stderr. All else is in src/git.
// JavaScript, since Node starts twice as fast when there are no types to strip.
import { writeSync } from 'node:fs'
import { connect } from 'node:net'

const socket = connect(process.env.PAAS_HOOK_SOCKET)
socket.write(`${process.argv[2]} ${process.ppid}\n`)
process.stdin.pipe(socket)

let frames = Buffer.alloc(0)
socket.on('data', (chunk) => {
  frames = frames.length === 0 ? chunk : Buffer.concat([frames, chunk])
  while (frames.length >= 5 && frames.length >= 5 + frames.readUInt32BE(1)) {
    const end = 5 + frames.readUInt32BE(1)
    const payload = frames.subarray(5, end)
    if (frames[0] === 0) process.exit(payload[0])
    writeWhole(frames[0], payload)
    frames = frames.subarray(end)
  }
})
socket.on('error', () => undefined)
socket.on('close', () => {
  writeWhole(
    2,
    Buffer.from(' !     The server was interrupted. A build it accepted goes on: push again to follow it.\n'),
  )
  process.exit(1)
})

function writeWhole(fd, bytes) {
  for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written)
}
