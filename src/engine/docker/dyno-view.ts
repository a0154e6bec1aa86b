import type Docker from 'dockerode'
import type { DynoFacts } from '../../model/dyno.ts'
import type { AppId } from '../../model/ids.ts'
import type { Dyno, DynoState } from '../engine.ts'
import { label, type Kind } from '../labels.ts'

/** A dyno as the engine describes its container. */
export function viewDyno(info: Docker.ContainerInspectInfo): Dyno {
  const labels = info.Config.Labels
  const port = Number(labels[label.port])
  const host = labels[label.host]
  const healthcheck = labels[label.healthcheck]
  const writes = labels[label.writes]
  return {
    ...factsOf(info.Id, labels),
    image: info.Image,
    address: containerAddress(info),
    port: port > 0 ? port : undefined,
    ...(host ? { host } : {}),
    ...(healthcheck ? { healthcheck } : {}),
    state: containerState(info),
    restarts: info.RestartCount,
    ...(writes ? { writes: writes.split(',') } : {}),
    createdAt: new Date(info.Created),
  }
}

/** What the labels of its container say of a dyno. */
export function factsOf(id: string, labels: Record<string, string>): DynoFacts {
  const uuid = labels[label.uuid]
  return {
    id,
    appId: (labels[label.app] ?? '') as AppId,
    ...(uuid ? { uuid } : {}),
    name: labels[label.dyno] ?? '',
    type: labels[label.type] ?? '',
    size: labels[label.size] ?? '',
    release: Number(labels[label.release]),
    attached: labels[label.kind] === ('session' satisfies Kind),
  }
}

/**
 * A dyno is in one network, its app's; a service may be in several, and any will do. While it does
 * not run, or is just coming up, the engine gives an empty address.
 */
export function containerAddress(info: Docker.ContainerInspectInfo): string | undefined {
  if (!info.State.Running || info.State.Restarting) return undefined
  const [endpoint] = Object.values(info.NetworkSettings.Networks)
  return endpoint?.IPAddress || undefined
}

/** The engine's description omits a network that was disconnected. */
function hasNetwork({ NetworkSettings }: Docker.ContainerInspectInfo): boolean {
  return Object.keys(NetworkSettings.Networks).length > 0
}

export function containerState(info: Docker.ContainerInspectInfo): DynoState {
  const { State: state, RestartCount: restarts } = info
  const exit = { code: state.ExitCode, outOfMemory: state.OOMKilled }
  const ended = new Date(state.FinishedAt)
  if (state.Restarting) {
    const lasted = ended.getTime() - new Date(state.StartedAt).getTime()
    const nextStart = new Date(ended.getTime() + pauseAfter({ lasted, restarts }))
    return { kind: 'restarting', since: ended, exit, nextStart }
  }
  const since = new Date(state.StartedAt)
  if (state.Paused) return { kind: 'stuck', since, by: 'pause' }
  if (state.Running && !hasNetwork(info)) return { kind: 'stuck', since, by: 'network' }
  if (state.Running) return { kind: 'running', since }
  if (state.Status === 'created') return { kind: 'created' }
  return { kind: 'exited', since: ended, exit }
}

/**
 * Milliseconds until the engine starts it again (github.com/moby/moby, restartmanager): 100 after a
 * run of ten seconds; else twice as long as before, a minute at most. Where a longer run was among
 * those it counts, less.
 */
function pauseAfter({ lasted, restarts }: { lasted: number; restarts: number }): number {
  return lasted >= 10_000 ? 100 : Math.min(60_000, 100 * 2 ** (restarts - 1))
}
