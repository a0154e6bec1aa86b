import { parseArgs } from 'node:util'

export type SoakOptions = {
  minutes: number
  /** Requests a second. */
  rate: number
  apps: number
  /** WebSockets that are open at once, of each app. */
  websockets: number
  /** Seconds from one push to the next; between two of them is a config change. */
  pushEvery: number
  /** Seconds from one kill -9 of a role to the next; undefined: none. */
  killEvery: number | undefined
  /** Whether each role collects its garbage before its heap is read. */
  collect: boolean
  /** Directory for heap snapshots after the warm-up and at the end. */
  snapshots: string | undefined
  fault: Fault | undefined
}

/** Something that is broken on purpose, to see that a soak finds it. */
type Fault = (typeof faults)[number]

const faults = ['memory', 'descriptors', 'request', 'log'] as const

export const usage = `npm run soak -- [--minutes 60] [--rate 50] [--apps 2] [--websockets 5] [--push-every 60] [--kill [--kill-every 45]]
                [--no-gc] [--snapshots DIRECTORY] [--fault ${faults.join('|')}]`

/** @throws for what it does not know */
export function parseOptions(argv: string[]): SoakOptions {
  const number = { type: 'string' } as const
  const { values } = parseArgs({
    args: argv,
    options: {
      minutes: { ...number, default: '60' },
      rate: { ...number, default: '50' },
      apps: { ...number, default: '2' },
      websockets: { ...number, default: '5' },
      'push-every': number,
      'kill-every': { ...number, default: '45' },
      kill: { type: 'boolean', default: false },
      'no-gc': { type: 'boolean', default: false },
      snapshots: { type: 'string' },
      fault: { type: 'string' },
    },
  })
  const minutes = positive('minutes', values.minutes)
  return {
    minutes,
    rate: positive('rate', values.rate),
    apps: positive('apps', values.apps),
    websockets: positive('websockets', values.websockets),
    pushEvery: positive('push-every', values['push-every'] ?? String(Math.min(60, minutes * 15))),
    killEvery: values.kill ? positive('kill-every', values['kill-every']) : undefined,
    collect: !values['no-gc'],
    snapshots: values.snapshots,
    fault: faultOf(values.fault),
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new RangeError(`--${name} is "${text}"; it must be a number above 0.`)
}

function faultOf(text: string | undefined): Fault | undefined {
  const fault = faults.find((name) => name === text)
  if (text !== undefined && fault === undefined)
    throw new RangeError(`--fault is "${text}"; it must be ${faults.join(', ')}.`)
  return fault
}
