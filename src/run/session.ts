import type { AttachedDyno, Dyno, DynoSpec, Engine } from '../engine/engine.ts'
import type { Logger } from '../log.ts'
import type { DynoLog } from '../release/dyno-log.ts'
import type { AttachedClient } from './client.ts'

export type SessionDeps = {
  engine: Pick<Engine, 'attachDyno' | 'waitDyno' | 'hangUpDyno' | 'stopDyno'>
  dynoLog: DynoLog
  stop: { graceSeconds: number }
  log: Logger
}

/** Why a session ended before its process did. */
export const clientGone = Symbol('the client is gone')
export const shutdown = Symbol('the server stops')

/**
 * Runs a dyno for a client: what the client types goes in, what the process writes comes out, until the process ends, the client goes away
 * or the signal. Nothing of the dyno is left then.
 */
export async function runSession(
  deps: SessionDeps,
  { spec, client, terminal }: { spec: DynoSpec; client: AttachedClient; terminal: boolean },
  signal: AbortSignal,
): Promise<void> {
  const gone = new AbortController()
  const either = AbortSignal.any([signal, gone.signal])
  deps.dynoLog.launching(spec, spec.command)
  const size = client.size ?? { columns: 80, rows: 24 }
  const attached = await deps.engine.attachDyno(spec, terminal ? size : undefined, either)
  try {
    deps.dynoLog.started(attached.dyno)
    deps.dynoLog.up(attached.dyno)
    await client.started()
    void takeInput(deps, client, attached).then(() => gone.abort(clientGone))
    const { code } = await untilExit(deps, { client, attached }, either)
    await client.exited(code)
  } catch (cause) {
    await hangUp(deps, attached.dyno, signal)
    throw cause
  } finally {
    await deps.engine.stopDyno(attached.dyno.id, 0)
  }
}

/** Until the client is gone. What it says that makes no sense is the same as going. */
async function takeInput({ log }: SessionDeps, client: AttachedClient, attached: AttachedDyno): Promise<void> {
  try {
    for await (const event of client.events()) {
      switch (event.kind) {
        case 'input':
          await write(attached.input, event.data)
          break
        case 'input-end':
          attached.input.end()
          break
        case 'resize':
          await attached.resize(event)
      }
    }
  } catch (error) {
    log.debug({ err: error }, 'the client of a one-off dyno broke off')
  }
}

/** A process that reads no more takes none either: what is left of the input is dropped. */
function write(input: AttachedDyno['input'], data: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (input.writable) input.write(data, () => resolve())
    else resolve()
  })
}

/** All output is with the client before the code is. @throws the signal's reason */
async function untilExit(
  { engine }: SessionDeps,
  { client, attached }: { client: AttachedClient; attached: AttachedDyno },
  signal: AbortSignal,
): Promise<{ code: number }> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const leave = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', leave, { once: true })
  const finished = (async () => {
    for await (const { stream, data } of attached.output) await client.output(stream, data)
    return engine.waitDyno(attached.dyno.id, signal)
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

/** As when a terminal is closed: first SIGHUP, then SIGTERM, and after the grace time SIGKILL. A server that stops has less patience. */
async function hangUp({ engine, dynoLog, stop }: SessionDeps, dyno: Dyno, signal: AbortSignal): Promise<void> {
  dynoLog.stopping(dyno)
  await engine.hangUpDyno(dyno.id)
  const graceSeconds = signal.reason === shutdown ? Math.min(stop.graceSeconds, 2) : stop.graceSeconds
  await engine.stopDyno(dyno.id, graceSeconds * 1000)
}
