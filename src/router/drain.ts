import type { LiveTarget } from './target.ts'

/**
 * WebSockets are closed one after the other, so that their clients do not come back all at once.
 * Milliseconds.
 */
const pace = 10

/**
 * Waits until nothing is in flight to `targets`, `timeoutMs` at most. WebSockets are told to go
 * first, spread over half of that time at most.
 */
export async function drain(targets: LiveTarget[], timeoutMs: number): Promise<{ unfinished: number }> {
  const goodbye = sayGoodbye(targets, timeoutMs / 2)
  const { promise: timeout, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, timeoutMs).unref()
  await Promise.race([timeout, Promise.all(targets.map(whenIdle))])
  clearTimeout(timer)
  clearInterval(goodbye)
  return { unfinished: targets.reduce((sum, { inFlight }) => sum + inFlight, 0) }
}

function whenIdle(target: LiveTarget): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  target.onceIdle(resolve)
  return promise
}

/**
 * Tells the tunnels of `targets` to close, over `milliseconds` at most.
 * @returns the timer to clear at the end
 */
export function sayGoodbye(targets: LiveTarget[], milliseconds: number): NodeJS.Timeout {
  const tunnels = targets.flatMap((target) => [...target.tunnels])
  const perTurn = Math.ceil(tunnels.length / Math.max(1, Math.floor(milliseconds / pace)))
  return setInterval(() => {
    for (const tunnel of tunnels.splice(0, perTurn)) tunnel.goAway()
  }, pace).unref()
}
