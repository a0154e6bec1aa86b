import { setTimeout as delay } from 'node:timers/promises'
import { PaasError } from '../errors.ts'
import type { AppLogReader, AppLogWriter, ReadLine } from '../model/app-log.ts'
import type { Drain } from '../model/drain.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { retry } from '../retry.ts'
import { DrainBuffer, type BufferLimits } from './buffer.ts'
import { fill, type Cursors } from './fill.ts'
import { Notices } from './notices.ts'
import { openTransport, type Transport } from './transport.ts'

export type DrainDeps = {
  appLog: AppLogReader
  logs: Pick<AppLogWriter, 'write'>
  outbound: Outbound
  cursors: Cursors
  buffers: BufferLimits
}

/** Lines and characters of one batch; a batch waits `delay` milliseconds for more lines. */
const batch = { count: 1000, size: 128 * 2 ** 10, delay: 200 }
/** Milliseconds between attempts: the second doubles the first, and so on. */
const [shortestPause, longestPause] = [500, 60_000]

/**
 * Delivers the app's log to a drain until the signal, or until the log is removed. What the drain
 * has not taken when the log is about to forget it is dropped and counted.
 */
export async function runDrain(deps: DrainDeps, drain: Drain, signal: AbortSignal): Promise<void> {
  using notices = new Notices(deps.logs, drain)
  using transport = openTransport(deps.outbound, drain)
  const buffer = new DrainBuffer(deps.buffers, (count) => notices.dropped(count))
  const broken = new AbortController()
  const stop = AbortSignal.any([signal, broken.signal])
  try {
    await Promise.all([fill(deps, { drain, buffer }, stop), empty(deps, { drain, buffer, notices, transport }, stop)])
  } finally {
    broken.abort()
    buffer.clear()
  }
}

type Emptying = { drain: Drain; buffer: DrainBuffer; notices: Notices; transport: Transport }

async function empty({ cursors }: DrainDeps, emptying: Emptying, signal: AbortSignal): Promise<void> {
  const { drain, buffer } = emptying
  while (await buffer.filled()) {
    if (!buffer.isLargerThan(batch.size)) await delay(batch.delay, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    const lines = buffer.take(batch)
    await sendUntilTaken(emptying, lines, signal)
    if (signal.aborted) return
    cursors.set(drain.id, lines.at(-1)?.position ?? '')
  }
}

/** Also ends when the signal is aborted. */
async function sendUntilTaken({ notices, transport }: Emptying, lines: ReadLine[], signal: AbortSignal): Promise<void> {
  const onFailure = (cause: unknown) => {
    signal.throwIfAborted()
    notices.failed(reasonOf(cause))
  }
  const pause = (failures: number) => Math.min(shortestPause * 2 ** (failures - 1), longestPause)
  try {
    await retry(() => transport.send(lines, signal), { onFailure, pause, signal })
    notices.delivered()
  } catch (cause) {
    if (!signal.aborted) throw cause
  }
}

/** Without a full stop: it ends a sentence. */
function reasonOf(cause: unknown): string {
  if (cause instanceof DOMException && cause.name === 'TimeoutError') return 'it does not answer within 10 s'
  const message = cause instanceof PaasError ? cause.message : cause instanceof Error ? cause.message : String(cause)
  return message.replace(/\.$/, '')
}
