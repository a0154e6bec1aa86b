import { randomInt } from 'node:crypto'
import { rolePid } from '../../test/helpers/processes.ts'
import { pause } from './pace.ts'
import type { Stage } from './stage.ts'
import type { Tally } from './tally.ts'

const roles = ['router', 'worker', 'api', 'redis']
/** Milliseconds for a role to be back, and for what was cut to end: a role that dies twice in ten seconds waits. */
const aftermath = 25_000

/** Kills a role that is drawn, every so often until `signal`, and lets the last one come back. */
export async function killRoles(
  { stage, tally, everySeconds }: { stage: Stage; tally: Tally; everySeconds: number },
  signal: AbortSignal,
): Promise<void> {
  while (await pause(everySeconds * 1000, signal)) {
    const role = roles[randomInt(roles.length)]!
    tally.excuse(aftermath)
    process.kill(rolePid(stage.server.pid, role), 'SIGKILL')
    tally.did(`kill of ${role}`)
  }
}
