import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Dyno, Engine } from '../engine/engine.ts'
import type { DynoExit } from '../model/dyno-exit.ts'
import { askDyno, type DynoReply } from './ask-dyno.ts'
import type { DynoExits } from './dyno-exits.ts'

/** How a dyno's start ended. `reply`: what a web dyno did when it was asked last. */
export type Boot =
  | { kind: 'ready'; dyno: Dyno }
  | { kind: 'exited'; dyno: Dyno; exit: DynoExit | undefined }
  | { kind: 'gone' }
  | { kind: 'timeout'; dyno: Dyno; outOfMemory: boolean; reply: DynoReply }

export type ReadinessDeps = {
  engine: Pick<Engine, 'findDyno'>
  exits: Pick<DynoExits, 'last' | 'next' | 'ranOutOfMemory'>
  boot: { timeoutSeconds: number }
}

type Wait = {
  /** How often the engine had started its process again by then; more is an exit. */
  restarts: number
  signal: AbortSignal
  /**
   * Told of each status that is no answer, once in a row. Given where this release is to take over:
   * then a server error on `/` is none. Elsewhere any answer to `/` is one, since an app whose
   * database is away is better than none.
   */
  onPoorAnswer?: (status: number) => void
}

/**
 * Milliseconds between two questions before and after the port is open, and two looks at the
 * process. What comes up at once is not waited for any longer than that takes: a knock is at most
 * a share of the wait until then.
 */
const pace = { knock: 25, ask: 250, look: 1000 }
const shareOfWait = 1 / 50
/**
 * Milliseconds for which it must be there: others than web, and web after its answer. What ends
 * later is met by the hold after the switch, with those of before as standby.
 */
const hold = { other: 1000, web: 100 }
/** Milliseconds for an answer where nobody can wait for it. */
const glance = 1000

/**
 * Waits until a dyno that was just started is ready: a web dyno when it has given one HTTP answer,
 * from outside the container, and was there a moment later, in the same run; any other when it has
 * held for a second. An exit ends the wait at once.
 */
export async function waitUntilReady(deps: ReadinessDeps, started: Dyno, wait: Wait): Promise<Boot> {
  const decided = new AbortController()
  const signal = AbortSignal.any([wait.signal, decided.signal])
  try {
    return await Promise.race([
      untilExit(deps, started, { ...wait, signal }),
      untilReady(deps, started, { ...wait, signal }),
    ])
  } finally {
    decided.abort()
  }
}

/**
 * Whether a dyno that runs is ready now, without waiting.
 * @param age milliseconds since its process started
 */
export async function isReadyNow(dyno: Dyno, age: number): Promise<boolean> {
  if (dyno.type !== 'web') return age >= hold.other
  return isGood(dyno, await askDyno(dyno, AbortSignal.timeout(glance)), { strict: false })
}

/** A process may have ended, and run again, before anybody waited for it. */
async function untilExit({ exits }: ReadinessDeps, dyno: Dyno, { restarts, signal }: Wait): Promise<Boot> {
  const earlier = restarts === 0 ? exits.last(dyno.id) : undefined
  return { kind: 'exited', dyno, exit: earlier ?? (await exits.next(dyno.id, signal)) }
}

async function untilReady(deps: ReadinessDeps, started: Dyno, { restarts, signal, onPoorAnswer }: Wait): Promise<Boot> {
  const begin = performance.now()
  const limit = deps.boot.timeoutSeconds * 1000
  const asking = { signal: AbortSignal.any([signal, AbortSignal.timeout(limit)]), onPoorAnswer, begin }
  let state: Seen = { dyno: started, reply: { kind: 'refused' }, ready: false }
  for (let lookedAt = begin; performance.now() - begin < limit;) {
    state = await see(state, asking)
    if (state.ready || performance.now() - lookedAt >= pace.look) {
      const found = await deps.engine.findDyno(started.id)
      if (!found) return { kind: 'gone' }
      if (found.state.kind !== 'running' || found.restarts > restarts) return exited(deps, found)
      if (state.ready) return { kind: 'ready', dyno: found }
      state.dyno = found
      lookedAt = performance.now()
    }
    const knock = Math.min(pace.knock, (performance.now() - begin) * shareOfWait)
    await delay(state.reply.kind === 'refused' ? knock : pace.ask, undefined, { signal })
  }
  const { dyno, reply } = state
  return { kind: 'timeout', dyno, reply, outOfMemory: deps.exits.ranOutOfMemory(dyno.id) }
}

type Seen = { dyno: Dyno; reply: DynoReply; ready: boolean }
type Asking = { signal: AbortSignal; onPoorAnswer: Wait['onPoorAnswer']; begin: number }

/**
 * One question to a web dyno, and a moment's hold after a good answer; of another how long it has
 * held.
 */
async function see({ dyno, reply: before }: Seen, { signal, onPoorAnswer, begin }: Asking): Promise<Seen> {
  if (dyno.type !== 'web') return { dyno, reply: before, ready: performance.now() - begin >= hold.other }
  const reply = await askDyno(dyno, signal)
  if (reply.kind === 'late' && before.kind === 'answered') return { dyno, reply: before, ready: false }
  const ready = isGood(dyno, reply, { strict: onPoorAnswer !== undefined })
  if (ready) await delay(hold.web, undefined, { signal })
  else if (reply.kind === 'answered' && !isDeepStrictEqual(reply, before)) onPoorAnswer?.(reply.status)
  return { dyno, reply, ready }
}

/** A health check is answered with a status below 400. */
function isGood({ healthcheck }: Dyno, reply: DynoReply, { strict }: { strict: boolean }): boolean {
  if (reply.kind !== 'answered') return false
  return reply.status < (healthcheck !== undefined ? 400 : strict ? 500 : 1000)
}

function exited({ exits }: ReadinessDeps, dyno: Dyno): Boot {
  const { state } = dyno
  const isOver = state.kind === 'exited' || state.kind === 'restarting'
  return { kind: 'exited', dyno, exit: isOver ? state.exit : exits.last(dyno.id) }
}
