import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { AppId } from '../../model/ids.ts'
import type { EngineEvent } from '../engine.ts'
import { label } from '../labels.ts'
import type { DockerDeps } from './client.ts'
import { isOurName } from './dynos.ts'

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

/** Changes of this server's containers; ends when the connection does. */
export async function* watch(deps: DockerDeps, signal: AbortSignal): AsyncGenerator<EngineEvent> {
  const filters = { label: [`${label.server}=${deps.serverId}`], event: Object.keys(kinds) }
  await using stream = await openEvents(deps, filters, signal)
  for await (const event of stream.events()) {
    const kind = kinds[event.Action]
    if (kind && isOurName(`/${event.Actor.Attributes['name']}`)) yield viewEvent(kind, event)
  }
}

function viewEvent(kind: EngineEvent['kind'], { Actor, timeNano }: ContainerEvent): EngineEvent {
  const { Attributes } = Actor
  const exitCode = Attributes['exitCode']
  return {
    kind,
    id: Actor.ID,
    appId: (Attributes[label.app] ?? '') as AppId,
    name: Attributes[label.dyno] ?? '',
    time: new Date(timeNano / 1e6),
    ...(exitCode === undefined ? {} : { exitCode: Number(exitCode) }),
  }
}

/**
 * Resolves once the engine has accepted the subscription, so that whatever happens from then on is seen.
 * The events end with the connection or the signal.
 */
export async function openEvents(
  { docker }: DockerDeps,
  filters: Record<string, string[]>,
  signal: AbortSignal,
): Promise<AsyncDisposable & { events(): AsyncGenerator<ContainerEvent> }> {
  const options = { filters: JSON.stringify({ type: ['container'], ...filters }), abortSignal: signal }
  const source = (await docker.getEvents(options)) as Readable
  const hangUp = () => source.destroy()
  signal.addEventListener('abort', hangUp)
  source.on('error', hangUp)
  return {
    async *events() {
      for await (const line of createInterface({ input: source })) yield JSON.parse(line) as ContainerEvent
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', hangUp)
      source.destroy()
    },
  }
}
