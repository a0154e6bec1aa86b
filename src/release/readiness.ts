import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Dyno, Engine } from '../engine/engine.ts'

/** How a dyno's start ended. */
export type Boot =
  | { kind: 'ready'; dyno: Dyno }
  | { kind: 'exited'; dyno: Dyno }
  | { kind: 'gone' }
  | { kind: 'timeout'; dyno: Dyno }

export type ReadinessDeps = { engine: Pick<Engine, 'findDyno'>; boot: { timeoutSeconds: number } }

/** Milliseconds: between two knocks at the port, between two looks at the process, and how long others than web must hold. */
const pace = { knock: 25, look: 250, hold: 1000 }

/**
 * Waits until a dyno that has just started is ready: a web dyno when something accepts connections on its `$PORT`, from outside the
 * container; any other when it has held for a second. An exit ends the wait at once.
 */
export async function waitUntilReady(deps: ReadinessDeps, started: Dyno, signal: AbortSignal): Promise<Boot> {
  const begin = performance.now()
  const deadline = begin + deps.boot.timeoutSeconds * 1000
  let dyno = started
  for (let lookedAt = begin; ;) {
    signal.throwIfAborted()
    const answers = await isReady(dyno, performance.now() - begin)
    if (answers || performance.now() - lookedAt >= pace.look) {
      const found = await deps.engine.findDyno(dyno.id)
      if (!found) return { kind: 'gone' }
      dyno = found
      if (dyno.state.kind !== 'running' || dyno.restarts > started.restarts) return { kind: 'exited', dyno }
      if (answers) return { kind: 'ready', dyno }
      lookedAt = performance.now()
    }
    if (performance.now() > deadline) return { kind: 'timeout', dyno }
    await delay(pace.knock, undefined, { signal })
  }
}

/** Whether something accepts connections at the dyno's address now. */
export async function answers({ address, port }: Dyno): Promise<boolean> {
  if (address === undefined || port === undefined) return false
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host: address, port, timeout: 1000 })
  socket.on('connect', () => resolve(true))
  socket.on('timeout', () => resolve(false))
  socket.on('error', () => resolve(false))
  const accepted = await promise
  socket.destroy()
  return accepted
}

function isReady(dyno: Dyno, age: number): Promise<boolean> | boolean {
  return dyno.type === 'web' ? answers(dyno) : age >= pace.hold
}
