import type Docker from 'dockerode'
import type { OutputLine, OutputOptions } from '../engine.ts'
import { catchUp, readOn } from './catch-up.ts'
import { unlessMissing, type DockerDeps } from './client.ts'
import { KeptOutput } from './kept-output.ts'
import { ownContainer } from './dynos.ts'
import { openEvents } from './events.ts'
import { followLog } from './follow-log.ts'
import { Place } from './place.ts'
import type { OutputReaders } from './readers.ts'

/**
 * Lines of a dyno, each once. A quiet dyno's are followed and looked over now and then; a busy
 * one's are read from whole readings of what the engine keeps, which alone are complete
 * (docs/decisions/0031). Lines are read as fast as they are taken.
 */
export async function* dynoOutput(
  deps: DockerDeps & { readers: OutputReaders },
  id: string,
  { since, follow, onLoss = () => undefined }: OutputOptions,
  signal: AbortSignal,
): AsyncGenerator<OutputLine> {
  const container = await ownContainer(deps, id)
  if (!container) return
  using _reading = deps.readers.begin(container.id)
  const log = new KeptOutput(container, signal)
  const place = new Place(since)
  let goesOn = follow
  while (goesOn) {
    yield* catchUp(log, place, onLoss)
    const end = yield* followLog(log, place)
    if (end === 'ended') goesOn = await runsAgain(deps, container, signal)
  }
  yield* readOn(log, place, { expected: 0, atEnd: true, onLoss })
}

/**
 * Waits while the engine's back-off lasts. False when the dyno is gone or was stopped. A process
 * that started has written, though it may have ended again before anybody looked.
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
