import type Docker from 'dockerode'
import type { Network } from '../../config.ts'
import type { Limits, ServiceSpec } from '../engine.ts'
import type { Mount } from '../volumes.ts'
import { label, type Kind } from '../labels.ts'
import { confined, hostNames, nameServers, tenantUser } from './host-config.ts'
import { containerName } from './names.ts'
import { mountBinds } from './volume-options.ts'

/** A service's own /tmp, in memory. */
export const temporary = 'rw,noexec,nosuid,nodev,size=64m,mode=1777'

/**
 * What confines the container of a service: as a dyno, and its root cannot be written. It is on the
 * networks of several apps and passes on nothing between them.
 */
export function served(limits: Limits): Docker.HostConfig {
  return {
    ...confined(limits),
    ReadonlyRootfs: true,
    Tmpfs: { '/tmp': temporary },
    Sysctls: { 'net.ipv4.ip_forward': '0' },
  }
}

/** Its volumes; one without data has no archive either. */
export function mountsOf({ data, archive }: Pick<ServiceSpec, 'data' | 'archive'>): Mount[] {
  return [data, archive].filter((mount) => mount !== undefined)
}

type Place = { network: string; opened: Network; runtime: string | undefined }

/** How a service's container is made, on the network of the app whose it is. */
export function serviceOptions(
  serverId: string,
  spec: ServiceSpec,
  { network, opened, runtime }: Place,
): Docker.ContainerCreateOptions {
  return {
    name: containerName(serverId, spec.app, spec.process),
    Image: spec.image,
    User: tenantUser,
    Labels: {
      [label.server]: serverId,
      [label.kind]: 'service' satisfies Kind,
      [label.app]: spec.appId,
      [label.appName]: spec.app,
      [label.owner]: spec.addonId,
      [label.dyno]: spec.process,
      [label.version]: spec.version,
    },
    Entrypoint: spec.argv,
    Cmd: [],
    Env: Object.entries(spec.env).map(([key, value]) => `${key}=${value}`),
    HostConfig: {
      ...served(spec.limits),
      OomScoreAdj: 250,
      ...(runtime !== undefined && { Runtime: runtime }),
      NetworkMode: network,
      ...hostNames(opened),
      ...nameServers(opened),
      RestartPolicy: { Name: 'unless-stopped' },
      ...(spec.data && { Binds: mountBinds(serverId, mountsOf(spec)) }),
    },
    NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [spec.host] } } },
  }
}
