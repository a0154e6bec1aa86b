import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { OneOff } from '../model/one-off.ts'
import type { AttachedClient, ClientEvent } from './client.ts'
import { ExitStatusLine, printsExitStatus } from './exit-status-line.ts'
import { send } from './send.ts'

/**
 * Milliseconds: what has to reach the client as a chunk of its own is followed, or preceded, by so
 * much silence.
 */
const silence = 75
/** ASCII "end of transmission": how Heroku's command says that its own input has ended. */
const endOfInput = 0x04

/**
 * Heroku's command, which speaks rendezvous: plain bytes both ways after a greeting that it throws
 * away with the chunk it came in.
 */
export async function greetRawClient(
  socket: Socket,
  source: AsyncIterable<Buffer>,
  { input, env, command }: OneOff,
): Promise<AttachedClient> {
  await send(socket, 'rendezvous\r\n')
  await delay(silence)
  const line = new ExitStatusLine()
  return {
    size: { columns: Number(env['COLUMNS']) || 80, rows: Number(env['LINES']) || 24 },
    events: () => eventsOf(source, input),
    started: () => Promise.resolve(),
    output: (_stream, data) => sendParts(socket, line.push(data)),
    exited: (code) => sendParts(socket, line.end(printsExitStatus(command) ? code : undefined)),
    failed: (message) => send(socket, ` !    ${message}\r\n`),
  }
}

async function sendParts(socket: Socket, parts: { bytes: Buffer; alone: boolean }[]): Promise<void> {
  for (const { bytes, alone } of parts) {
    if (alone) await delay(silence)
    await send(socket, bytes)
    if (alone) await delay(silence)
  }
}

/**
 * A terminal takes the end of input as it is and makes of it what its settings say; for a pipe it
 * is said here.
 */
async function* eventsOf(source: AsyncIterable<Buffer>, input: OneOff['input']): AsyncGenerator<ClientEvent> {
  for await (const data of source) {
    const ended = input === 'pipes' && data.at(-1) === endOfInput
    const rest = ended ? data.subarray(0, -1) : data
    if (rest.length > 0) yield { kind: 'input', data: rest }
    if (ended) yield { kind: 'input-end' }
  }
}
