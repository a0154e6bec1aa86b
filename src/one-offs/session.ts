import type { AttachedProcess, Dyno, DynoSpec, Engine, TerminalSize } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { shutdown } from '../model/stop-reasons.ts'
import type { DynoLog } from '../dynos/dyno-log.ts'
import type { AttachedClient } from './client.ts'

export type SessionDeps = {
  engine: Pick<Engine, 'attachDyno' | 'waitDyno' | 'hangUpDyno' | 'stopDyno'>
  dynoLog: DynoLog
  stop: { graceSeconds: number }
  log: Logger
}

/** Why a session ended before its process did. */
export const clientGone = Symbol('the client is gone')

/**
 * Runs a dyno for a client: what the client types goes in, what the process writes comes out, until
 * the process ends, the client goes away or the signal. Nothing of the dyno is left then.
 */
export async function runSession(
  deps: SessionDeps,
  { spec, client, terminal }: { spec: DynoSpec; client: AttachedClient; terminal: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { engine, dynoLog } = deps
  dynoLog.launching(spec, spec.command)
  const { dyno, ...process } = await engine.attachDyno(spec, terminal ? terminalSizeOf(client) : undefined, signal)
  try {
    dynoLog.started(dyno)
    dynoLog.up(dyno)
    const exit = async (either: AbortSignal): Promise<number> => (await engine.waitDyno(dyno.id, either)).code
    await converse(deps, { client, process, exit }, signal)
  } catch (cause) {
    await hangUp(deps, dyno, signal)
    throw cause
  } finally {
    await engine.stopDyno(dyno.id, 0)
  }
}

/** Size of the terminal that a client's process gets. */
export function terminalSizeOf({ size }: AttachedClient): TerminalSize {
  return size ?? { columns: 80, rows: 24 }
}

type Conversation = {
  client: AttachedClient
  process: AttachedProcess
  /** Resolves with the process's exit code. */
  exit: (signal: AbortSignal) => Promise<number>
}

/**
 * Until the process ends, of which the client is told.
 * @throws the signal's reason, and `clientGone`
 */
export async function converse(
  deps: { log: Logger },
  { client, process, exit }: Conversation,
  signal: AbortSignal,
): Promise<void> {
  const gone = new AbortController()
  await client.started()
  void takeInput(deps, { client, process }, signal).then(() => gone.abort(clientGone))
  await client.exited(await untilExit({ client, process, exit }, AbortSignal.any([signal, gone.signal])))
}

/** Until the client disconnects or loses access. Invalid frames count as disconnecting. */
async function takeInput(
  { log }: { log: Logger },
  { client, process }: Pick<Conversation, 'client' | 'process'>,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const event of client.events()) {
      if (signal.aborted) return
      switch (event.kind) {
        case 'input':
          await write(process.input, event.data)
          break
        case 'input-end':
          process.input.end()
          break
        case 'resize':
          await process.resize(event)
      }
    }
  } catch (error) {
    log.debug({ err: error }, 'the client of a one-off dyno broke off')
  }
}

/** If the process stops reading, the rest of the input is dropped. */
function write(input: AttachedProcess['input'], data: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (input.writable) input.write(data, () => resolve())
    else resolve()
  })
}

/** All output is with the client before the code is. @throws the signal's reason */
async function untilExit({ client, process, exit }: Conversation, signal: AbortSignal): Promise<number> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const leave = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', leave, { once: true })
  const finished = (async () => {
    for await (const { stream, data } of process.output) await client.output(stream, data)
    return exit(signal)
  })()
  finished.catch(() => undefined)
  aborted.catch(() => undefined)
  try {
    signal.throwIfAborted()
    return await Promise.race([finished, aborted])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

/**
 * As when a terminal is closed: first SIGHUP, then SIGTERM, and after the grace time SIGKILL. The
 * grace time is shorter when the server stops or the client lost access.
 */
async function hangUp({ engine, dynoLog, stop }: SessionDeps, dyno: Dyno, signal: AbortSignal): Promise<void> {
  dynoLog.stopping(dyno)
  await engine.hangUpDyno(dyno.id)
  const isUrgent = signal.reason === shutdown || signal.reason instanceof PaasError
  const graceSeconds = isUrgent ? Math.min(stop.graceSeconds, 2) : stop.graceSeconds
  await engine.stopDyno(dyno.id, graceSeconds * 1000)
}
