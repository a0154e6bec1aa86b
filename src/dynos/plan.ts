import type { Dyno } from '../engine/engine.ts'
import { isOneOff } from '../model/dyno.ts'
import type { WantedDyno } from './deployable.ts'

/** What must change so that exactly the wanted dynos run. */
export type Plan = { keep: Dyno[]; start: WantedDyno[]; stop: Dyno[] }

/**
 * Compares what should run with what does. A dyno that crashed is kept as long as the engine will
 * start it again; one that was stopped by somebody else, or runs another release, is replaced.
 * One-off dynos are not the formation's business.
 */
export function planDynos(
  wanted: WantedDyno[],
  { version, dynos }: { version: number; dynos: Dyno[] },
  replace: (dyno: Dyno) => boolean = () => false,
): Plan {
  const candidates = dynos.filter((dyno) => !isOneOff(dyno))
  const keep: Dyno[] = []
  const start: WantedDyno[] = []
  for (const want of wanted) {
    const fit = candidates.find(
      (dyno) => dyno.release === version && dyno.name === want.name && dyno.size === want.size && comesBack(dyno),
    )
    if (fit && !replace(fit)) keep.push(fit)
    else start.push(want)
  }
  return { keep, start, stop: candidates.filter((dyno) => !keep.includes(dyno)) }
}

export function isSettled(plan: Plan): boolean {
  return plan.start.length === 0 && plan.stop.length === 0
}

/** It runs, or the engine will start it again. */
export function comesBack({ state }: Dyno): boolean {
  return state.kind === 'running' || state.kind === 'restarting'
}
