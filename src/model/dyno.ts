import type { AppId } from './ids.ts'

/**
 * What `PORT` is for every web dyno: each has an address of its own, so all can have the same one.
 */
export const webPort = 5000

/** Dynos that run once and are in no formation. */
export const oneOffTypes = ['run', 'release']

export function isOneOff(dyno: { type: string }): boolean {
  return oneOffTypes.includes(dyno.type)
}

/** What is said of a dyno wherever it is mentioned. */
export type DynoFacts = {
  /** The engine's. */
  id: string
  appId: AppId
  /** The id that the API uses. */
  uuid?: string
  /** `web.1` */
  name: string
  type: string
  size: string
  release: number
  /** Its input and output are a client's. */
  attached: boolean
}

/**
 * How a dyno is, as the worker last saw it. `complete`: it was to run once, and has; `stopped`: it
 * ended because it was told to; `down`: the engine that runs it is away.
 */
export type DynoLife = 'starting' | 'up' | 'crashed' | 'complete' | 'stopping' | 'stopped' | 'down'

/**
 * Whether a dyno whose process runs has served in this run, and then gave no answer any more. What
 * ended, or was not in its boot time, is in the database with its end or its error.
 */
export function isSilent({ state, error }: Pick<DynoRecord, 'state' | 'error'>): boolean {
  return state === 'crashed' && error === null
}

/** On record as long as the engine has the dyno. */
export type DynoRecord = DynoFacts & {
  state: DynoLife
  since: Date
  /** From its last exit, if it ever exited. */
  exitStatus: number | null
  /** Heroku's code of what went wrong last: R10, boot timeout; R15, killed for memory. */
  error: 'R10' | 'R15' | null
}
