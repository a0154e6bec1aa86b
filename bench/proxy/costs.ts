import { cpuSeconds, type Load } from './measure.ts'
import type { Listening } from './process.ts'
import { median } from '../statistics.ts'

/** `seconds` of processor time for a request, `reached` requests per second of real time: medians of the rounds. */
export type Cost = { name: string; seconds: number; reached: number }

export type Measured = Pick<Listening, 'name' | 'pid' | 'port'>

const usualRounds = 7
const seconds = 2
/** What is compiled while it runs is measured when it is: on a busy machine that takes more than a moment. */
const warm = { requests: 30_000, tries: 5 }

/** Measures each of them in each round, one after the other. */
export async function costsOf(contenders: Measured[], load: Load, rounds = usualRounds): Promise<Cost[]> {
  const send = ({ name, port }: Measured, forSeconds: number): Promise<number> =>
    load(port, forSeconds).catch((cause: unknown) => Promise.reject(new Error(`${name} failed`, { cause })))
  const samples = contenders.map(() => ({ seconds: [] as number[], reached: [] as number[] }))
  for (const contender of contenders) await warmUp((forSeconds) => send(contender, forSeconds))
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      const before = await cpuSeconds(contender.pid)
      const requests = await send(contender, seconds)
      samples[i]!.seconds.push(((await cpuSeconds(contender.pid)) - before) / requests)
      samples[i]!.reached.push(requests / seconds)
    }
  }
  return contenders.map(({ name }, i) => ({
    name,
    seconds: median(samples[i]!.seconds),
    reached: median(samples[i]!.reached),
  }))
}

async function warmUp(send: (forSeconds: number) => Promise<number>): Promise<void> {
  let requests = 0
  for (let tries = 0; tries < warm.tries && requests < warm.requests; tries++) requests += await send(seconds)
}
