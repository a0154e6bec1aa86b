import type { Readable } from 'node:stream'
import type { EngineEvent } from '../engine.ts'
import type { AddonId } from '../../model/ids.ts'
import { label, type Kind } from '../labels.ts'
import type { DockerDeps } from './client.ts'
import { factsOf } from './dyno-view.ts'
import type { DynoViews } from './dyno-views.ts'
import { findDyno, isDynoKind, isOurName } from './dynos.ts'
import { readJsonLines } from './json-lines.ts'
import { serverPrefix } from './names.ts'
import { outOfMemoryFirst } from './out-of-memory.ts'

/** What the engine says about a container (API reference, "Monitor events"). */
export type ContainerEvent = {
  Type: string
  Action: string
  Actor: { ID: string; Attributes: Record<string, string> }
  timeNano: number
}

type WatchDeps = DockerDeps & { views: DynoViews }

const kinds: Record<string, EngineEvent['kind']> = {
  start: 'started',
  die: 'exited',
  destroy: 'removed',
  oom: 'out-of-memory',
  pause: 'stuck',
}

/**
 * Changes of this server's dynos from the moment of the call on, however late reading begins: the
 * engine keeps the last 256 events. Ends when the connection does, and at an abort.
 */
export function watch(deps: WatchDeps, signal: AbortSignal): AsyncGenerator<EngineEvent> {
  return ownEvents(deps, Date.now() / 1000, signal)
}

async function* ownEvents(deps: WatchDeps, since: number, signal: AbortSignal): AsyncGenerator<EngineEvent> {
  const filters = { type: ['container', 'network'], event: [...Object.keys(kinds), 'disconnect'] }
  await using stream = await openEvents(deps, filters, signal, since)
  using _ = deps.views.follow()
  const ended = new Set<string | undefined>()
  for await (const event of outOfMemoryFirst(noted(deps.views, stream.events()))) {
    if (event.Type === 'network' && ended.has(event.Actor.Attributes['container'])) continue
    const seen = event.Type === 'network' ? await viewDisconnect(deps, event) : viewEvent(deps, event)
    if (seen?.kind === 'exited') ended.add(seen.id)
    else if (seen) ended.delete(seen.id)
    if (seen) yield seen
  }
}

/** What is known of a container is so no longer, also while its end is not told yet. */
async function* noted(
  views: Pick<DynoViews, 'changed'>,
  events: AsyncGenerator<ContainerEvent>,
): AsyncGenerator<ContainerEvent> {
  for await (const event of events) {
    views.changed(event.Type === 'network' ? (event.Actor.Attributes['container'] ?? '') : event.Actor.ID)
    yield event
  }
}

/**
 * Of a network's events, which carry no labels, only a disconnect from one of ours. That of a
 * container that has just ended says nothing.
 */
async function viewDisconnect(deps: DockerDeps, { Action, Actor, timeNano }: ContainerEvent) {
  const { name = '', container = '' } = Actor.Attributes
  if (Action !== 'disconnect' || !name.startsWith(serverPrefix(deps.serverId))) return undefined
  // An engine that is stopping disconnects containers and then no longer answers; its events end
  // too.
  const dyno = await findDyno(deps, container).catch(() => undefined)
  if (dyno?.state.kind !== 'stuck') return undefined
  const { id, appId, uuid, name: dynoName, type, size, release, attached } = dyno
  const facts = { id, appId, ...(uuid && { uuid }), name: dynoName, type, size, release, attached }
  return { kind: 'stuck' as const, ...facts, time: new Date(timeNano / 1e6) }
}

function viewEvent({ serverId }: DockerDeps, { Action, Actor, timeNano }: ContainerEvent): EngineEvent | undefined {
  const kind = kinds[Action]
  const { Attributes } = Actor
  const isService = Attributes[label.kind] === ('service' satisfies Kind)
  if (!kind || !isOurName(`/${Attributes['name']}`) || !(isService || isDynoKind(Attributes))) return undefined
  if (Attributes[label.server] !== serverId) return undefined
  const exitCode = Attributes['exitCode']
  return {
    kind,
    ...factsOf(Actor.ID, Attributes),
    ...(isService && { addonId: (Attributes[label.owner] ?? '') as AddonId }),
    time: new Date(timeNano / 1e6),
    ...(exitCode === undefined ? {} : { exitCode: Number(exitCode) }),
  }
}

/**
 * Resolves once the engine has accepted the subscription, so that whatever happens from then on is
 * seen. The events end with the connection or the signal.
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
