import type Dockerode from 'dockerode'
import type { EngineInfo } from '../engine.ts'
import { info } from './info.ts'

/** Milliseconds an answer is good for: it changes only when the engine or the machine restarts. */
const goodFor = 60_000

/** Asks the engine for the machine's size, and keeps the answer for a while. */
export function createMachine(deps: { docker: Dockerode }): () => Promise<EngineInfo> {
  let known: { machine: Promise<EngineInfo>; until: number } | undefined
  return () => {
    const now = performance.now()
    if (known && now < known.until) return known.machine
    const asked = { machine: info(deps), until: now + goodFor }
    asked.machine.catch(() => (asked.until = 0))
    known = asked
    return asked.machine
  }
}
