import type Docker from 'dockerode'
import type { AppId } from '../../model/ids.ts'
import type { Dyno, DynoState } from '../engine.ts'
import { label, type Kind } from '../labels.ts'

/** A dyno as the engine describes its container. */
export function viewDyno(info: Docker.ContainerInspectInfo): Dyno {
  const labels = info.Config.Labels
  const port = Number(labels[label.port])
  const healthcheck = labels[label.healthcheck]
  const uuid = labels[label.uuid]
  return {
    id: info.Id,
    appId: labels[label.app] as AppId,
    name: labels[label.dyno] ?? '',
    type: labels[label.type] ?? '',
    release: Number(labels[label.release]),
    size: labels[label.size] ?? '',
    image: info.Image,
    address: addressOf(info),
    port: port > 0 ? port : undefined,
    ...(uuid ? { uuid } : {}),
    ...(healthcheck ? { healthcheck } : {}),
    state: stateOf(info.State),
    restarts: info.RestartCount,
    createdAt: new Date(info.Created),
    attached: isAttached(labels),
  }
}

export function isAttached(labels: Record<string, string>): boolean {
  return labels[label.kind] === ('session' satisfies Kind)
}

/** A dyno is in one network, its app's. While it does not run the engine gives an empty address. */
function addressOf(info: Docker.ContainerInspectInfo): string | undefined {
  if (!info.State.Running || info.State.Restarting) return undefined
  const [endpoint] = Object.values(info.NetworkSettings.Networks)
  return endpoint?.IPAddress || undefined
}

function stateOf(state: Docker.ContainerInspectInfo['State']): DynoState {
  const exit = { code: state.ExitCode, outOfMemory: state.OOMKilled }
  if (state.Restarting) return { kind: 'restarting', since: new Date(state.FinishedAt), exit }
  if (state.Running) return { kind: 'running', since: new Date(state.StartedAt) }
  if (state.Status === 'created') return { kind: 'created' }
  return { kind: 'exited', since: new Date(state.FinishedAt), exit }
}
