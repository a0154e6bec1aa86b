import { once } from 'node:events'
import type { Socket } from 'node:net'
import { PaasError } from '../errors.ts'
import { decodeFrames, encodeAttachFrame, heartbeatEvery, type ClientFrame } from '../model/attach-frames.ts'

/** What a process that is run elsewhere is connected with here. */
export type Terminal = {
  stdin: NodeJS.ReadStream
  stdout: NodeJS.WriteStream
  stderr: NodeJS.WriteStream
  raw: boolean
}

/**
 * Lets the process at the other end have this terminal, or these pipes, until it ends; returns its
 * exit code.
 * @param started called when it runs
 * @throws server_unreachable, run_failed
 */
export async function attach(socket: Socket, terminal: Terminal, started: () => void): Promise<number> {
  const say = (frame: ClientFrame): boolean => socket.writable && socket.write(encodeAttachFrame(frame))
  using stack = new DisposableStack()
  const timer = setInterval(() => say({ type: 'heartbeat' }), heartbeatEvery)
  stack.defer(() => clearInterval(timer))
  stack.defer(() => socket.destroy())
  try {
    for await (const frame of decodeFrames(socket)) {
      if (frame.type === 'started') started()
      if (frame.type === 'started') stack.defer(passInput(terminal, socket, say))
      if (frame.type === 'stdout' || frame.type === 'stderr') await write(terminal[frame.type], frame.data)
      if (frame.type === 'exit') return frame.code
      if (frame.type === 'failure') throw new PaasError('run_failed', frame.message, { hint: '' })
    }
  } catch (cause) {
    if (cause instanceof PaasError) throw cause
    throw lost(cause)
  }
  throw lost(undefined)
}

/**
 * Keys as they are pressed, Ctrl-C too, or what a pipe holds, and the size of the terminal as it
 * changes; returns what ends that.
 */
function passInput({ stdin, stdout, raw }: Terminal, socket: Socket, say: (frame: ClientFrame) => boolean): () => void {
  const onData = (data: Buffer): void => {
    if (say({ type: 'input', data })) return
    stdin.pause()
    socket.once('drain', () => stdin.resume())
  }
  const onEnd = (): void => void say({ type: 'inputEnd' })
  const onResize = (): void => void say({ type: 'resize', columns: stdout.columns, rows: stdout.rows })
  if (raw) {
    stdin.setRawMode(true)
    stdout.on('resize', onResize)
  }
  stdin.on('data', onData).once('end', onEnd).resume()
  return () => {
    stdin.off('data', onData).off('end', onEnd).pause()
    if (!raw) return
    stdout.off('resize', onResize)
    stdin.setRawMode(false)
  }
}

/** Waits while the reader of this command's output is slow. */
async function write(stream: NodeJS.WriteStream, data: Buffer): Promise<void> {
  if (!stream.write(data)) await once(stream, 'drain')
}

function lost(cause: unknown): PaasError {
  return new PaasError('server_unreachable', 'The connection was lost; the process is stopped.', { cause })
}
