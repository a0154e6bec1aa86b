import { isDeepStrictEqual } from 'node:util'
import { serverPrefix } from '../engine/docker/names.ts'
import { networkOptions } from '../engine/docker/network-options.ts'
import { ipv4Range, ourNetworks } from '../engine/docker/subnets.ts'
import { volumeOptions } from '../engine/docker/volume-options.ts'
import { label, type Kind } from '../engine/labels.ts'
import { checkEndpoint } from './container-body.ts'
import { isAppId, isCacheName, isOwnVolume, type GateOwner } from './own.ts'
import { refuseUnless } from './refused.ts'
import { isFlag, isObject, isText, isTexts, like, one, shaped, textsByName } from './shape.ts'

/**
 * A network just as this code makes it: what its name and subnet do not decide, such as the driver
 * and the bridge, is the same for all.
 * @throws Refused
 */
export function checkNetwork(body: unknown, { serverId }: GateOwner): unknown {
  const { Name, IPAM } = (isObject(body) ? body : {}) as { Name?: string; IPAM?: { Config?: { Subnet?: string }[] } }
  const [, id, purpose] =
    /^(platform|[0-9a-f-]{36})-(run|build)$/.exec(
      typeof Name === 'string' ? Name.slice(serverPrefix(serverId).length + 1) : '',
    ) ?? []
  const subnet = IPAM?.Config?.[0]?.Subnet
  const appId = isAppId(id) ? id : undefined
  refuseUnless(purpose === 'run' || purpose === 'build', 'a network may only be one of this server')
  refuseUnless(typeof subnet === 'string' && isOfPool(subnet), 'a network may only have a /24 of 10.208.0.0/12')
  const known = networkOptions(serverId, { appId, purpose, subnet })
  refuseUnless(isDeepStrictEqual(body, known), 'a network may only be made as those of this server are')
  return body
}

function isOfPool(subnet: string): boolean {
  const [range, pool] = [ipv4Range(subnet), ipv4Range(ourNetworks)]
  return !!range && !!pool && range.last - range.first === 255 && range.first >= pool.first && range.last <= pool.last
}

/** A build cache, or data, in the engine's own directory of volumes. @throws Refused */
export function checkVolume(body: unknown, owner: GateOwner): unknown {
  const { Name, Labels } = shaped(body, { Name: isText, Labels: textsByName }, 'a volume') as {
    Name: string
    Labels: Record<string, string>
  }
  const known = {
    [label.server]: owner.serverId,
    [label.app]: Labels?.[label.app],
    [label.kind]: 'cache' satisfies Kind,
  }
  const isCache = isCacheName(Name, owner) && isDeepStrictEqual(Labels, known)
  refuseUnless(isCache || isData(Name, Labels, owner), 'a volume may only be one of this server')
  return body
}

/** Labelled as what its name says. */
function isData(name: string, labels: Record<string, string> | undefined, owner: GateOwner): boolean {
  if (!labels || !isOwnVolume(name, owner)) return false
  const {
    [label.volume]: id = '',
    [label.owner]: of = '',
    [label.kind]: kind,
    [label.volumeName]: called = '',
  } = labels
  if (kind !== 'volume' && kind !== 'service' && kind !== 'backups') return false
  const known = volumeOptions(owner.serverId, { id, owner: of, kind, name: called })
  return isDeepStrictEqual({ Name: name, Labels: labels }, known)
}

/** @throws Refused */
export function checkExec(body: unknown): unknown {
  const shape = {
    Cmd: isTexts,
    Env: isTexts,
    User: isText,
    WorkingDir: isText,
    Tty: isFlag,
    AttachStdin: isFlag,
    AttachStdout: isFlag,
    AttachStderr: isFlag,
  }
  return shaped(body, shape, 'a process')
}

/** What dockerode adds for itself is left out. @throws Refused */
export function checkExecStart(body: unknown): unknown {
  const { Tty } = shaped(body, { Tty: isFlag, hijack: one(true), stdin: isFlag }, 'a process')
  return { Detach: false, Tty: Tty === true }
}

/** @throws Refused */
export function checkCommit(body: unknown, { serverId }: GateOwner, isShared: boolean): unknown {
  const nullOr = (value: unknown) => value === null || isTexts(value)
  const shape = {
    Labels: textsByName,
    Entrypoint: nullOr,
    Env: isTexts,
    Cmd: isTexts,
    WorkingDir: isText,
    User: isText,
  }
  const { Labels } = shaped(body, shape, 'an image') as { Labels?: Record<string, string> }
  const server = isShared ? '' : serverId
  refuseUnless(Labels?.[label.server] === server, 'an image has to say whose it is')
  return body
}

/** @throws Refused */
export function checkDisconnect(body: unknown): { Container: string; Force: boolean } {
  return shaped(body, { Container: like(/^[0-9a-f]{64}$/), Force: isFlag }, 'a disconnect') as {
    Container: string
    Force: boolean
  }
}

/** @throws Refused */
export function checkConnect(body: unknown): { Container: string; EndpointConfig: unknown } {
  const shape = { Container: like(/^[0-9a-f]{64}$/), EndpointConfig: isObject }
  const { Container, EndpointConfig } = shaped(body, shape, 'a connection')
  return { Container: String(Container), EndpointConfig: checkEndpoint(EndpointConfig) }
}

/** Of a list: only what carries the server's label. @throws Refused */
export function checkFilters(text: string, { serverId }: GateOwner): string {
  const { label: labels } = shaped(parseJson(text), { label: isTexts }, 'a filter') as { label?: string[] }
  refuseUnless(labels?.includes(`${label.server}=${serverId}`) === true, 'a list may only be of what is this server’s')
  return JSON.stringify({ label: labels })
}

/** @throws Refused */
export function checkEventFilters(text: string): string {
  const shape = { type: isTexts, event: isTexts, container: isTexts }
  return JSON.stringify(shaped(parseJson(text), shape, 'a filter'))
}

/** Lines of a Dockerfile that an import adds: labels of the stack alone. @throws Refused */
export function checkChanges(text: string): string {
  const areLabels = text.split('\n').every((line) => /^LABEL "paas\.stack"="[a-z0-9-]+"$/.test(line))
  refuseUnless(areLabels, 'an import may only add labels of the stack')
  return text
}

/** @throws Refused */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    refuseUnless(false, 'what should be JSON is none')
  }
}
