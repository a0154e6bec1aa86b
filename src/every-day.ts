import type { TimeOfDay } from './config.ts'

/** Milliseconds after which the clock is looked at again: somebody may set it. */
const longestSleep = 600_000

/** Does `work` every day at that time of the machine's time zone, until disposal. */
export function everyDay(at: TimeOfDay, work: () => void): Disposable {
  let timer: NodeJS.Timeout
  const sleep = (due: Date): void => {
    timer = setTimeout(() => look(due), Math.min(due.getTime() - Date.now(), longestSleep))
  }
  const look = (due: Date): void => {
    if (Date.now() < due.getTime()) return sleep(due)
    sleep(nextTime(at, new Date()))
    work()
  }
  sleep(nextTime(at, new Date()))
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}

/** Whether its time has come and gone since what is done every day was done last. */
export function wasMissed(at: TimeOfDay, last: Date): boolean {
  return nextTime(at, last).getTime() <= Date.now()
}

/**
 * The next moment after `now` with that time. A time that a change of the clocks leaves out is an
 * hour later.
 */
export function nextTime({ hour, minute }: TimeOfDay, now: Date): Date {
  const today = new Date(now.getFullYear(), now.getMonth(), now.getDate(), hour, minute)
  if (today > now) return today
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, hour, minute)
}
