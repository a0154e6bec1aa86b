import { addCounts, addDurations, addFigures, addTotals } from '../../metrics/totals.ts'
import type { RequestTotals, RoleFigures } from '../../model/figures.ts'
import type { MinuteUnderWay, Results, RouterFigures, Silence } from './protocol.ts'

type Counted = RouterFigures['counters']

/** Of all processes of a router. */
export function sumOfFigures(all: RouterFigures[]): RouterFigures {
  return all.reduce((a, b) => ({
    apps: addApps(a.apps, b.apps),
    counters: addCounters(a.counters, b.counters),
    connections: a.connections + b.connections,
    dropped: a.dropped + b.dropped,
    process: addProcesses(a.process, b.process),
  }))
}

/** The first one's, with what all have counted. */
export function sumOfStatus(all: Results['status'][]): Results['status'] {
  return all.reduce((a, b) => ({
    ...a,
    pids: [...a.pids, ...b.pids],
    counters: addCounters(a.counters, b.counters),
  }))
}

/** What a process began a moment earlier than the others is on its way to a file. */
export function sumOfMinutes(all: MinuteUnderWay[]): MinuteUnderWay {
  const begun = all.filter((one) => one !== null)
  const minute = Math.max(...begun.map((one) => one.minute))
  const requests = begun.filter((one) => one.minute === minute).map((one) => one.requests)
  return requests.length === 0 ? null : { minute, requests: requests.reduce(addFigures) }
}

/** A target is silent only if no process has heard it. */
export function commonSilences(all: Silence[][]): Silence[] {
  return all.reduce((a, b) =>
    a.flatMap((one) => {
      const other = b.find(({ id }) => id === one.id)
      return other === undefined ? [] : [bothOf(one, other)]
    }),
  )
}

function bothOf(a: Silence, b: Silence): Silence {
  return { id: a.id, silentMs: Math.min(a.silentMs, b.silentMs), owes: a.owes || b.owes, held: a.held || b.held }
}

function addApps(a: Record<string, RequestTotals>, b: Record<string, RequestTotals>): Record<string, RequestTotals> {
  const sums = { ...a }
  for (const [app, totals] of Object.entries(b)) sums[app] = sums[app] ? addTotals(sums[app], totals) : totals
  return sums
}

function addCounters(a: Counted, b: Counted): Counted {
  return {
    connections: a.connections + b.connections,
    turnedAway: a.turnedAway + b.turnedAway,
    requests: a.requests + b.requests,
    refusedRequests: a.refusedRequests + b.refusedRequests,
    cutOff: a.cutOff + b.cutOff,
    failedHandshakes: a.failedHandshakes + b.failedHandshakes,
    doors: addCounts(a.doors, b.doors) as Counted['doors'],
    errors: addCounts(a.errors as Record<string, number>, b.errors as Record<string, number>),
  }
}

function addProcesses(a: RoleFigures, b: RoleFigures): RoleFigures {
  return {
    memory: a.memory + b.memory,
    cpuSeconds: a.cpuSeconds + b.cpuSeconds,
    lag: addDurations(a.lag, b.lag),
  }
}
