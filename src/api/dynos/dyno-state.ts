import type { Dyno } from '../../containers/containers.ts'
import type { PaasError } from '../../errors.ts'
import { isOneOff, type DynoRecord } from '../../model/dyno.ts'
import type { DynoSize, DynoSizes } from '../../model/formation.ts'
import { explainExit } from '../../model/dyno-exit.ts'

/**
 * Why a dyno is not up: a code of Heroku's (R10, R15) or a word, and a sentence without its
 * subject.
 */
export type Reason = {
  id:
    | 'R10'
    | 'R15'
    | 'exited'
    | 'no_answer'
    | 'paused'
    | 'network_lost'
    | 'not_started'
    | 'engine_unavailable'
    | 'worker_unavailable'
  message: string
}

/**
 * How a dyno is, in Heroku's words, since when and why; `exitStatus` is of its last end,
 * `nextStart` there while it waits for that.
 */
export type DynoCondition = {
  state: 'starting' | 'up' | 'crashed' | 'stopping' | 'down'
  since: Date
  reason: Reason | null
  exitStatus: number | null
  nextStart: Date | null
}

/** The state of dynos that cannot be seen after this error; undefined for any other error. */
export function awayReason({ code }: PaasError): Reason | undefined {
  if (code === 'engine_unavailable') return { id: code, message: 'Docker cannot be reached' }
  if (code === 'worker_unavailable') return { id: code, message: 'the worker, which runs dynos, does not answer' }
  return undefined
}

/**
 * How its container is, and where that runs, what the worker has seen of this run of it. While a
 * release is being swapped in, the dynos that come are `starting` and those that go `stopping`.
 * @param current the version of the app's current release
 * @param seen what is in the database of the dyno
 */
export function conditionOf(
  dyno: Dyno,
  { current, seen, sizes }: { current: number; seen: DynoRecord | undefined; sizes: DynoSizes },
): DynoCondition {
  const { state } = dyno
  const since = state.kind === 'created' ? dyno.createdAt : state.since
  const plain = { since, reason: null, exitStatus: null, nextStart: null }
  if (dyno.release < current && !isOneOff(dyno)) {
    return { ...plain, state: 'stopping', since: seen?.state === 'stopping' ? seen.since : since }
  }
  if (state.kind !== 'running' && wasToldToEnd(dyno, seen)) {
    return { ...plain, state: 'stopping', since: seen?.since ?? since }
  }
  switch (state.kind) {
    case 'created':
      return { ...plain, state: 'starting' }
    case 'running':
      return running(dyno, { current, since, seen })
    case 'stuck':
      return { ...plain, state: 'down', reason: stuckReasons[state.by] }
    case 'restarting':
    case 'exited': {
      const { memory } = sizes[dyno.size as DynoSize] ?? sizes.basic
      const message = explainExit(state.exit, { memory })
      const reason: Reason = { id: state.exit.outOfMemory ? 'R15' : 'exited', message }
      const nextStart = state.kind === 'restarting' ? state.nextStart : null
      const isDown = state.kind === 'exited' && state.exit.code === 0
      return { state: isDown ? 'down' : 'crashed', since, reason, exitStatus: state.exit.code, nextStart }
    }
  }
}

/**
 * The engine starts again what ends by itself, and forgets what was stopped: whose record is gone
 * is about to be.
 */
function wasToldToEnd({ state, ...dyno }: Dyno, seen: DynoRecord | undefined): boolean {
  if (seen) return seen.state === 'stopping' || seen.state === 'stopped'
  return state.kind === 'exited' && !isOneOff(dyno)
}

type Running = { current: number; since: Date; seen: DynoRecord | undefined }

/**
 * What was seen before the process started is of an earlier run of it: of this one nobody knows yet
 * whether it is ready.
 */
function running(dyno: Dyno, { current, since, seen }: Running): DynoCondition {
  const plain = { since, reason: null, exitStatus: seen?.exitStatus ?? null, nextStart: null }
  const comes = dyno.release > current && !isOneOff(dyno)
  if (!seen) return { ...plain, state: comes ? 'starting' : 'up' }
  if (seen.since < since) return { ...plain, state: 'starting' }
  switch (seen.state) {
    case 'up':
      return { ...plain, since: seen.since, state: comes ? 'starting' : 'up' }
    case 'crashed':
      return { ...plain, since: seen.since, state: 'crashed', reason: seen.error === 'R10' ? bootTimeout : noAnswer }
    case 'stopping':
      return { ...plain, since: seen.since, state: 'stopping' }
    case 'starting':
    case 'down':
    case 'stopped':
    case 'complete':
      return { ...plain, state: 'starting' }
  }
}

const stuckReasons: Record<'pause' | 'network', Reason> = {
  pause: { id: 'paused', message: 'its processes are paused' },
  network: { id: 'network_lost', message: 'it was disconnected from its network' },
}

const noAnswer: Reason = { id: 'no_answer', message: 'it runs, but sends no HTTP response' }
const bootTimeout: Reason = { id: 'R10', message: 'nothing answered on $PORT within the boot timeout' }
