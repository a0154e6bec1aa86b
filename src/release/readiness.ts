import { request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Dyno, DynoExit, Engine } from '../engine/engine.ts'
import type { DynoExits } from './dyno-exits.ts'

/** How a dyno's start ended. */
export type Boot =
  | { kind: 'ready'; dyno: Dyno }
  | { kind: 'exited'; dyno: Dyno; exit: DynoExit | undefined }
  | { kind: 'gone' }
  | { kind: 'timeout'; dyno: Dyno; outOfMemory: boolean }

export type ReadinessDeps = {
  engine: Pick<Engine, 'findDyno'>
  exits: Pick<DynoExits, 'last' | 'next' | 'ranOutOfMemory'>
  boot: { timeoutSeconds: number }
}

/** Milliseconds: between two knocks at the port, between two looks at the process, how long others than web must hold, and between two health checks. */
const pace = { knock: 25, look: 1000, hold: 1000, ask: 250 }

/**
 * Waits until a dyno that was just started is ready: a web dyno when it answers its health check, or, without one, when something accepts
 * connections on its `$PORT`, from outside the container; any other when it has held for a second. An exit ends the wait at once.
 * @param restarts how often the engine had started its process again by then; more is an exit
 */
export async function waitUntilReady(
  deps: ReadinessDeps,
  started: Dyno,
  { restarts, signal }: { restarts: number; signal: AbortSignal },
): Promise<Boot> {
  const decided = new AbortController()
  const either = AbortSignal.any([signal, decided.signal])
  try {
    return await Promise.race([
      untilExit(deps, started, { restarts, signal: either }),
      untilReady(deps, started, { restarts, signal: either }),
    ])
  } finally {
    decided.abort()
  }
}

type Limit = { restarts: number; signal: AbortSignal }

/** A process may have ended, and run again, before anybody waited for it. */
async function untilExit({ exits }: ReadinessDeps, dyno: Dyno, { restarts, signal }: Limit): Promise<Boot> {
  const earlier = restarts === 0 ? exits.last(dyno.id) : undefined
  return { kind: 'exited', dyno, exit: earlier ?? (await exits.next(dyno.id, signal)) }
}

async function untilReady(deps: ReadinessDeps, started: Dyno, { restarts, signal }: Limit): Promise<Boot> {
  const begin = performance.now()
  const deadline = begin + deps.boot.timeoutSeconds * 1000
  let dyno = started
  for (let lookedAt = begin; performance.now() < deadline;) {
    const ready = await isReady(dyno, performance.now() - begin)
    if (ready || performance.now() - lookedAt >= pace.look) {
      const found = await deps.engine.findDyno(dyno.id)
      if (!found) return { kind: 'gone' }
      if (found.state.kind !== 'running' || found.restarts > restarts) return exited(deps, found)
      if (ready) return { kind: 'ready', dyno: found }
      dyno = found
      lookedAt = performance.now()
    }
    await delay(dyno.healthcheck ? pace.ask : pace.knock, undefined, { signal })
  }
  return { kind: 'timeout', dyno, outOfMemory: deps.exits.ranOutOfMemory(dyno.id) }
}

function exited({ exits }: ReadinessDeps, dyno: Dyno): Boot {
  const { state } = dyno
  const isOver = state.kind === 'exited' || state.kind === 'restarting'
  return { kind: 'exited', dyno, exit: isOver ? state.exit : exits.last(dyno.id) }
}

/** Whether something accepts connections at the dyno's address now. */
async function answers({ address, port }: Dyno): Promise<boolean> {
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

async function isHealthy(dyno: Dyno): Promise<boolean> {
  const status = await healthOf(dyno)
  return status !== undefined && status < 400
}

/** The status a dyno answers its health check with now; undefined: it gives no answer within 5 s. */
export async function healthOf({ address, port, healthcheck }: Dyno): Promise<number | undefined> {
  if (address === undefined || port === undefined || healthcheck === undefined) return undefined
  const { host, pathname, search } = new URL(healthcheck)
  const { promise, resolve } = Promise.withResolvers<number | undefined>()
  const options = { host: address, port, path: `${pathname}${search}`, agent: false, signal: AbortSignal.timeout(5000) }
  const asking = request({ ...options, headers: { host, 'user-agent': 'paas-healthcheck' } })
  asking.on('response', ({ statusCode }) => resolve(statusCode))
  asking.on('error', () => resolve(undefined))
  asking.on('close', () => resolve(undefined))
  asking.end()
  const status = await promise
  asking.destroy()
  return status
}

/** @param age milliseconds since its process started */
export function isReady(dyno: Dyno, age: number): Promise<boolean> | boolean {
  if (dyno.type !== 'web') return age >= pace.hold
  return dyno.healthcheck === undefined ? answers(dyno) : isHealthy(dyno)
}
