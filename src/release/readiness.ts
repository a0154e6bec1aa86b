import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Dyno, DynoExit, Engine } from '../engine/engine.ts'
import { asPaasError } from '../errors.ts'

/** How a dyno's start ended. */
export type Boot =
  | { kind: 'ready'; dyno: Dyno }
  | { kind: 'exited'; dyno: Dyno; exit: DynoExit | undefined }
  | { kind: 'gone' }
  | { kind: 'timeout'; dyno: Dyno }

export type ReadinessDeps = { engine: Pick<Engine, 'findDyno' | 'waitDyno'>; boot: { timeoutSeconds: number } }

/** Milliseconds: between two knocks at the port, between two looks at the process, and how long others than web must hold. */
const pace = { knock: 25, look: 1000, hold: 1000 }

/**
 * Waits until a dyno that has just started is ready: a web dyno when something accepts connections on its `$PORT`, from outside the
 * container; any other when it has held for a second. An exit ends the wait at once.
 */
export async function waitUntilReady(deps: ReadinessDeps, started: Dyno, signal: AbortSignal): Promise<Boot> {
  const decided = new AbortController()
  const either = AbortSignal.any([signal, decided.signal])
  try {
    return await Promise.race([untilExit(deps, started, either), untilReady(deps, started, either)])
  } finally {
    decided.abort()
  }
}

async function untilExit({ engine }: ReadinessDeps, dyno: Dyno, signal: AbortSignal): Promise<Boot> {
  try {
    return { kind: 'exited', dyno, exit: await engine.waitDyno(dyno.id, signal) }
  } catch (error) {
    if (asPaasError(error).code === 'not_found') return { kind: 'gone' }
    throw error
  }
}

async function untilReady({ engine, boot }: ReadinessDeps, started: Dyno, signal: AbortSignal): Promise<Boot> {
  const begin = performance.now()
  const deadline = begin + boot.timeoutSeconds * 1000
  let dyno = started
  for (let lookedAt = begin; performance.now() < deadline;) {
    const ready = await isReady(dyno, performance.now() - begin)
    if (ready || performance.now() - lookedAt >= pace.look) {
      const found = await engine.findDyno(dyno.id)
      if (!found) return { kind: 'gone' }
      // The first exit may have come before anybody waited for it.
      if (found.state.kind !== 'running' || found.restarts > started.restarts) return exitOf(found)
      if (ready) return { kind: 'ready', dyno: found }
      dyno = found
      lookedAt = performance.now()
    }
    await delay(pace.knock, undefined, { signal })
  }
  return { kind: 'timeout', dyno }
}

function exitOf(dyno: Dyno): Boot {
  const { state } = dyno
  const exit = state.kind === 'exited' || state.kind === 'restarting' ? state.exit : undefined
  return { kind: 'exited', dyno, exit }
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
