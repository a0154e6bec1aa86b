import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { TestApp } from '../../test/helpers/app.ts'
import { pause } from './pace.ts'
import type { Stage } from './stage.ts'
import type { Tally } from './tally.ts'

/** Keeps so many WebSockets to each app open until `signal`: each says something every second and must hear it again. */
export async function holdWebSockets(
  { stage, tally, count }: { stage: Stage; tally: Tally; count: number },
  signal: AbortSignal,
): Promise<void> {
  const each = stage.apps.flatMap((app) => Array.from({ length: count }, () => app))
  await Promise.all(each.map((app) => holdOne(app, tally, signal)))
}

/** A deploy closes it in order; then it comes back, as a browser's page does. */
async function holdOne(app: TestApp, tally: Tally, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await converse(app, tally, signal)
    } catch (cause) {
      tally.cut('websocket', `${app.name}: ${String(cause)}`)
    }
    await pause(200, signal)
  }
}

async function converse(app: TestApp, tally: Tally, signal: AbortSignal): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${app.server.port}/`, { headers: { host: app.host } })
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  await once(socket, 'open')
  tally.did('websocket')
  const sent: string[] = []
  socket.on('error', () => undefined) // `close` follows, with a code that says so
  socket.on('message', (data) => {
    const heard = (data as Buffer).toString()
    if (heard === sent.shift()) tally.did('message')
    else tally.lost('message', `${app.name}: ${heard} is not what was said`)
  })
  const talk = setInterval(() => {
    if (socket.readyState !== WebSocket.OPEN) return
    sent.push(String(Date.now()))
    socket.send(sent.at(-1)!)
  }, 1_000)
  const end = (): void => socket.close()
  signal.addEventListener('abort', end)
  const code = await closed
  signal.removeEventListener('abort', end)
  clearInterval(talk)
  if (code === 1006) throw new Error('cut without a goodbye')
}
