import { deploy } from './deploys.ts'
import { killRoles } from './kills.ts'
import { sendLate } from './late.ts'
import type { SoakOptions } from './options.ts'
import { pause } from './pace.ts'
import { sendRequests } from './requests.ts'
import type { Stage } from './stage.ts'
import { followLogs } from './tails.ts'
import { ExpectedLines, type Tally } from './tally.ts'
import { excuseHoldUps } from './hold-ups.ts'
import { holdWebSockets } from './websockets.ts'

/** How long before the end the last role is killed, milliseconds: what was accepted is asked for then. */
const calm = 30_000
/** How long lines may take after the last request, milliseconds. */
const lastLines = 20_000

/** Does all that users do, until `end`; then waits for the log lines that are still to come. */
export async function work(
  { stage, tally, options }: { stage: Stage; tally: Tally; options: SoakOptions },
  end: AbortSignal,
): Promise<void> {
  const { minutes, rate, pushEvery, killEvery, websockets } = options
  const lines = new ExpectedLines()
  const over = new AbortController()
  const tails = followLogs({ stage, tally, lines }, over.signal)
  const calmed = AbortSignal.any([end, AbortSignal.timeout(Math.max(0, minutes * 60_000 - calm))])
  await Promise.all([
    sendRequests({ stage, tally, lines, rate }, end),
    sendLate({ stage, tally }, end),
    excuseHoldUps(tally, end),
    deploy({ stage, tally, everySeconds: pushEvery }, end),
    holdWebSockets({ stage, tally, count: websockets }, end),
    ...(killEvery === undefined ? [] : [killRoles({ stage, tally, everySeconds: killEvery }, calmed)]),
  ])
  await come(lines)
  over.abort()
  await tails
  for (const line of lines.missing) tally.lost('log line', `the line of ${line} did not come`)
}

async function come(lines: ExpectedLines): Promise<void> {
  const limit = AbortSignal.timeout(lastLines)
  while (lines.missing.length > 0 && (await pause(200, limit)));
}
