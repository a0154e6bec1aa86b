import type { Readable } from 'node:stream'
import type { EngineEvent } from '../engine.ts'
import { label } from '../labels.ts'
import type { DockerDeps } from './client.ts'
import { factsOf } from './dyno-view.ts'
import { isDynoKind, isOurName } from './dynos.ts'
import { readJsonLines } from './json-lines.ts'

/** What the engine says about a container (API reference, "Monitor events"). */
export type ContainerEvent = {
  Action: string
  Actor: { ID: string; Attributes: Record<string, string> }
  timeNano: number
}

const kinds: Record<string, EngineEvent['kind']> = {
  start: 'started',
  die: 'exited',
  destroy: 'removed',
  oom: 'out-of-memory',
}

/**
 * Changes of this server's dynos from the moment of the call on, however late reading begins: the engine keeps
 * the last 256 events. Ends when the connection does, and at an abort.
 */
export function watch(deps: DockerDeps, signal: AbortSignal): AsyncGenerator<EngineEvent> {
  return ownEvents(deps, Date.now() / 1000, signal)
}

async function* ownEvents(deps: DockerDeps, since: number, signal: AbortSignal): AsyncGenerator<EngineEvent> {
  const labels = [`${label.server}=${deps.serverId}`]
  const filters = { type: ['container'], label: labels, event: Object.keys(kinds) }
  await using stream = await openEvents(deps, filters, signal, since)
  for await (const event of stream.events()) {
    const kind = kinds[event.Action]
    const { Attributes } = event.Actor
    if (kind && isOurName(`/${Attributes['name']}`) && isDynoKind(Attributes)) yield viewEvent(kind, event)
  }
}

function viewEvent(kind: EngineEvent['kind'], { Actor, timeNano }: ContainerEvent): EngineEvent {
  const exitCode = Actor.Attributes['exitCode']
  return {
    kind,
    ...factsOf(Actor.ID, Actor.Attributes),
    time: new Date(timeNano / 1e6),
    ...(exitCode === undefined ? {} : { exitCode: Number(exitCode) }),
  }
}

/**
 * Resolves once the engine has accepted the subscription, so that whatever happens from then on is seen.
 * The events end with the connection or the signal.
 */
export async function openEvents(
  { docker, log }: DockerDeps,
  filters: Record<string, string[]>,
  signal: AbortSignal,
  since?: number,
): Promise<AsyncDisposable & { events(): AsyncGenerator<ContainerEvent> }> {
  const options = { filters: JSON.stringify(filters), abortSignal: signal, ...(since === undefined ? {} : { since }) }
  const source = (await docker.getEvents(options)) as unknown as Readable
  const hangUp = () => source.destroy()
  signal.addEventListener('abort', hangUp)
  source.on('error', (error) => log.debug({ error }, 'the stream of events broke'))
  return {
    async *events() {
      try {
        yield* readJsonLines<ContainerEvent>(source)
      } catch (error) {
        if (!source.destroyed) throw error
      }
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', hangUp)
      source.destroy()
    },
  }
}
