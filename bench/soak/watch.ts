import { chmodSync, mkdirSync } from 'node:fs'
import type { Sample } from './growth.ts'
import { warmUpFor } from './growth.ts'
import { measure } from './measure.ts'
import type { SoakOptions } from './options.ts'
import { pause } from './pace.ts'
import type { Stage } from './stage.ts'
import type { Tally } from './tally.ts'

/** Looks at everything about sixty times, every five seconds at the shortest and every minute at the longest, until `signal`. */
export async function watch(
  { stage, tally, options }: { stage: Stage; tally: Tally; options: SoakOptions },
  signal: AbortSignal,
): Promise<Sample[]> {
  const { minutes, collect, snapshots } = options
  if (snapshots !== undefined) {
    mkdirSync(snapshots, { recursive: true })
    chmodSync(snapshots, 0o1777) // each role is a user of its own
  }
  const samples: Sample[] = []
  const begin = performance.now()
  const look = async (snapshot: boolean): Promise<void> => {
    const minute = (performance.now() - begin) / 60_000
    const request = { collect, ...(snapshot && snapshots !== undefined ? { snapshot: snapshots } : {}) }
    samples.push({ minute, pushes: tally.done.get('push') ?? 0, values: await measure(stage, request) })
    say(samples.at(-1)!, tally)
  }
  let warm = false
  while (await pause(Math.min(60_000, Math.max(5_000, minutes * 1_000)), signal)) {
    const isWarm = (performance.now() - begin) / 60_000 >= warmUpFor(minutes)
    await look(isWarm && !warm)
    warm = isWarm
  }
  await look(true)
  return samples
}

function say({ minute, values }: Sample, tally: Tally): void {
  const done = ['request', 'push', 'config change', 'websocket'].map((kind) => `${kind} ${tally.done.get(kind) ?? 0}`)
  const memory = ['router', 'worker', 'api'].map((role) => `${role} ${megabytes(values, role)}`)
  const failed = [...tally.failed.values()].reduce((sum, count) => sum + count, 0)
  process.stderr.write(`minute ${minute.toFixed(1)}: ${[...done, ...memory].join(', ')}; ${failed} failed\n`)
}

/** Resident and, of it, the heap. */
function megabytes(values: Record<string, number>, role: string): string {
  const [rss, heap] = [values[`${role} rss`], values[`${role} heap`]]
  return rss === undefined || heap === undefined ? 'is down' : `${rss.toFixed(0)} (${heap.toFixed(1)}) MiB`
}
