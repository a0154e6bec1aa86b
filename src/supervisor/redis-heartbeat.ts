import { connect, type Socket } from 'node:net'
import type { Heartbeat } from './heartbeat.ts'

/**
 * Asks a Redis once a second whether it is there (PING, as an inline command of RESP); each answer
 * is a sign of life.
 */
export function redisHeartbeat(socketPath: string): Heartbeat {
  return (onBeat, signal) => {
    let connection: Socket | undefined
    const ask = (): void => {
      connection ??= open(socketPath, onBeat).on('close', () => (connection = undefined))
      if (connection.writableLength === 0) connection.write('PING\r\n')
    }
    const timer = setInterval(ask, 1000)
    signal.addEventListener('abort', () => (clearInterval(timer), connection?.destroy()), { once: true })
  }
}

function open(socketPath: string, onBeat: () => void): Socket {
  const connection = connect(socketPath)
  connection.on('data', onBeat)
  connection.on('error', () => connection.destroy())
  return connection
}
