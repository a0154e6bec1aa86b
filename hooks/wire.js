// A wire between git and the server: stdin to the server's socket, its frames to stdout and
// stderr. All else is in src/git.
// JavaScript, since Node starts twice as fast when there are no types to strip.
import { connect } from 'node:net'

// Writes to these wait until git has taken them, so that nothing piles up here (process.stdout,
// "A note on process I/O").
const outputs = [undefined, process.stdout, process.stderr]
const socket = connect(process.env.PAAS_HOOK_SOCKET)
socket.write(`${process.argv[2]} ${process.ppid}\n`)
process.stdin.pipe(socket)

let frames = Buffer.alloc(0)
socket.on('data', (chunk) => {
  frames = frames.length === 0 ? chunk : Buffer.concat([frames, chunk])
  while (frames.length >= 5 && frames.length >= 5 + frames.readUInt32BE(1)) {
    const [kind] = frames
    const end = 5 + frames.readUInt32BE(1)
    const payload = frames.subarray(5, end)
    if (kind === 0) process.exit(payload[0])
    outputs[kind].write(payload)
    frames = frames.subarray(end)
  }
})
socket.on('error', () => undefined)
socket.on('close', () => {
  process.stderr.write(' !     The server was interrupted. A build it accepted goes on: push again to follow it.\n')
  process.exit(1)
})
