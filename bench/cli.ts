import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import type { TestServer } from '../test/helpers/server.ts'
import { median } from './statistics.ts'
import type { Row } from './table.ts'

const command = resolve(import.meta.dirname, '../bin/paas')
const execute = promisify(execFile)

/** From the start of the command to its end, one request to the server in between, in milliseconds. */
export async function benchCli(server: TestServer, rounds = 25): Promise<Row[]> {
  const trip = await timeCommand(['apps', '--json'], server, rounds)
  const start = await timeCommand(['--version'], server, rounds)
  return [
    { what: 'paas command, round trip (median)', value: trip, unit: 'ms', target: '≤ 150 ms', met: trip <= 150 },
    { what: '  of it starting, without a request', value: start, unit: 'ms' },
  ]
}

async function timeCommand(argv: string[], { env }: TestServer, rounds: number): Promise<number> {
  // The first run fills the compile cache.
  await execute(command, argv, { env })
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    await execute(command, argv, { env })
    times.push(performance.now() - start)
  }
  return median(times)
}
