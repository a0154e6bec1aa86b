import type { LiveTarget } from './target.ts'

let turn = 0

/**
 * The target with the fewest requests in flight, of equals each in turn. One that refused a
 * connection a moment ago comes last.
 * @param tried targets that refused this very request
 * @returns undefined when all were tried
 */
export function chooseTarget(targets: LiveTarget[], tried: LiveTarget[]): LiveTarget | undefined {
  if (targets.length === 1 && tried.length === 0) return targets[0]
  let best: LiveTarget | undefined
  turn = (turn + 1) % 1_000_000
  for (let i = 0; i < targets.length; i++) {
    const target = targets[(turn + i) % targets.length]!
    if (tried.includes(target)) continue
    if (best === undefined || isBetter(target, best)) best = target
  }
  return best
}

function isBetter(target: LiveTarget, than: LiveTarget): boolean {
  if (target.refusedLately !== than.refusedLately) return than.refusedLately
  return target.inFlight < than.inFlight
}
