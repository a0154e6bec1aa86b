import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { PaasError } from '../../errors.ts'
import type { OutputLine } from '../engine.ts'
import { unlessMissing, type DockerDeps } from './client.ts'
import { ownContainer } from './dynos.ts'
import { openEvents } from './events.ts'
import { readFrames } from './frames.ts'
import { LineCutter, unixTime } from './lines.ts'

type Options = { since?: string; follow: boolean }

/**
 * Lines of a dyno in order. The engine ends the stream it follows when the process exits, and leaves out a last line
 * without end (20.10), so it is opened again: to go on while the restart policy starts the process again, and once
 * more after the end. Lines are read as fast as they are taken.
 */
export async function* dynoOutput(
  deps: DockerDeps,
  id: string,
  { since, follow }: Options,
  signal: AbortSignal,
): AsyncGenerator<OutputLine> {
  const container = await ownContainer(deps, id)
  if (!container) return
  let cursor = since
  let following = follow
  for (;;) {
    const options = { ...(cursor === undefined ? {} : { since: cursor }), follow: following }
    for await (const line of readOnce(container, options, signal)) {
      cursor = line.cursor
      yield line
    }
    if (!following) return
    following = await runsAgain(deps, container, signal)
  }
}

/** Docker's `since` includes the moment itself; what the caller has seen is left out here. */
async function* readOnce(container: Docker.Container, { since, follow }: Options, signal: AbortSignal) {
  const query = {
    stdout: true,
    stderr: true,
    timestamps: true,
    follow,
    ...(since === undefined ? {} : { since: unixTime(since) }),
  }
  const source = await openLog(container, query, signal)
  if (!source) return
  for await (const line of readLines(source, follow, signal)) {
    if (since === undefined || line.cursor > since) yield line
  }
}

/** `follow: true` outside the query only tells dockerode to give a stream instead of collecting the whole log. */
async function openLog(container: Docker.Container, query: object, signal: AbortSignal): Promise<Readable | undefined> {
  const options = { follow: true, _query: query, abortSignal: signal } as const
  const source = await unlessMissing(container.logs(options))
  return source as unknown as Readable | undefined
}

async function* readLines(source: Readable, follow: boolean, signal: AbortSignal): AsyncGenerator<OutputLine> {
  const cutter = new LineCutter()
  const hangUp = () => source.destroy()
  signal.addEventListener('abort', hangUp)
  try {
    for await (const frame of readFrames(source)) yield* cutter.push(frame)
    if (!follow) yield* cutter.finish()
  } catch (cause) {
    signal.throwIfAborted()
    throw new PaasError('engine_unavailable', 'The connection to Docker broke while output was read.', { cause })
  } finally {
    signal.removeEventListener('abort', hangUp)
    source.destroy()
  }
}

/**
 * Waits while the engine's back-off lasts. False when the dyno is gone or was stopped. A process that started has written,
 * though it may have ended again before anybody looked.
 */
async function runsAgain(deps: DockerDeps, container: Docker.Container, signal: AbortSignal): Promise<boolean> {
  await using changes = await openEvents(deps, { type: ['container'], container: [container.id] }, signal)
  const events = changes.events()
  for (;;) {
    const info = await unlessMissing(container.inspect())
    if (!info?.State.Running) return false
    if (!info.State.Restarting) return true
    const { value: event, done } = await events.next()
    if (done) return false
    if (event.Action === 'start') return true
  }
}
