import { isDeepStrictEqual } from 'node:util'
import { confined, hostNames, nameServers, rootless, trusted } from '../engine/docker/host-config.ts'
import { served, temporary } from '../engine/docker/service-options.ts'
import { label, type Kind } from '../engine/labels.ts'
import { areOfContainer, isCacheName, isOwnName, isOwnVolume, ownerOfVolume, type GateOwner } from './own.ts'
import { refuseUnless } from './refused.ts'
import { isFlag, isObject, isText, isTexts, like, one, shaped, textsByName } from './shape.ts'

const digestForm = /^sha256:[0-9a-f]{64}$/
/** The stack's user, or a number that is not root's however the engine reads it. */
const lowlyUser = /^(app|[1-9]\d*(:[A-Za-z0-9_.-]*)?)$/
const portsForAll = { 'net.ipv4.ip_unprivileged_port_start': '0' }
const nothingForwarded = { 'net.ipv4.ip_forward': '0' }
const unlogged = { Type: 'none', Config: {} }
/** The name of a service on the networks of apps: always with a number, as no name of theirs. */
const serviceHost = /^[a-z][a-z0-9-]{0,40}-[0-9a-f]{12}$/
const secretsOptions = /^rw,noexec,nosuid,nodev,size=16m,mode=0700,uid=\d{1,5},gid=\d{1,5}$/

const ofContainer = {
  Image: like(digestForm),
  User: (user: unknown) => user === 'root' || like(lowlyUser)(user),
  Labels: textsByName,
  Env: isTexts,
  Entrypoint: isTexts,
  Cmd: isTexts,
  WorkingDir: isText,
  Tty: isFlag,
  OpenStdin: isFlag,
  StdinOnce: isFlag,
  AttachStdin: isFlag,
  AttachStdout: isFlag,
  AttachStderr: isFlag,
  HostConfig: isObject,
  NetworkingConfig: isObject,
}

/** What differs from one container to the next; the rest has to be just what this code gives. */
const varying = {
  NetworkMode: isText,
  Runtime: isText,
  OomScoreAdj: one(250, 500),
  RestartPolicy: (policy: unknown) =>
    isDeepStrictEqual(policy, { Name: 'no' }) || isDeepStrictEqual(policy, { Name: 'unless-stopped' }),
  Sysctls: (value: unknown) => isDeepStrictEqual(value, portsForAll) || isDeepStrictEqual(value, nothingForwarded),
  ExtraHosts: isTexts,
  Dns: isTexts,
  DnsSearch: isTexts,
  DnsOptions: isTexts,
  Tmpfs: (value: unknown) =>
    isObject(value) &&
    Object.entries(value).every(
      ([at, options]) => isInside(at) && (like(secretsOptions)(options) || options === temporary),
    ),
  Binds: isTexts,
}

type HostConfig = Record<string, unknown>
type Labels = Record<string, string>
type Container = { Image: string; User?: string; Labels: Labels; HostConfig: HostConfig; NetworkingConfig?: unknown }

/**
 * What a container may be made from: of the server, from an image by its digest, confined as all
 * are, on a network and with volumes of the server.
 * @throws Refused
 */
export function checkContainer(body: unknown, owner: GateOwner): Container {
  const container = shaped(body, ofContainer, 'a container') as Container
  const { Image, Labels, HostConfig, User } = container
  refuseUnless(!!Image && !!Labels && !!HostConfig, 'a container lacks its image, labels or confinement')
  refuseUnless(areOfContainer(Labels, owner), "a container lacks this server's labels")
  const kept = Object.entries(HostConfig).filter(([key]) => Object.hasOwn(varying, key))
  shaped(Object.fromEntries(kept), varying, 'a container')
  const confinement = confinementOf(HostConfig)
  refuseUnless(confinement !== undefined, 'a container is not confined as those of this server are')
  refuseUnless(User !== 'root' || confinement === 'trusted', 'a container may not be root')
  const isService = Labels[label.kind] === ('service' satisfies Kind)
  refuseUnless(isService === (confinement === 'served'), 'a service is not confined as those of this server are')
  checkAlias(container, isService)
  checkNames(HostConfig, confinement, owner)
  checkPlaces(container, confinement, owner)
  return container
}

type Confinement = 'confined' | 'rootless' | 'trusted' | 'served'

/** Which of the known ways it is, compared as a whole, so that nothing bad has to be listed. */
function confinementOf(host: HostConfig): Confinement | undefined {
  const rest = Object.fromEntries(Object.entries(host).filter(([key]) => !Object.hasOwn(varying, key)))
  const { Memory, NanoCpus, PidsLimit } = rest
  if (![Memory, NanoCpus, PidsLimit].every((limit) => Number.isSafeInteger(limit) && Number(limit) > 0))
    return undefined
  const limits = { memoryMiB: Number(Memory) / 2 ** 20, cpus: Number(NanoCpus) / 1e9, pids: Number(PidsLimit) }
  const isLike = (known: object) =>
    isDeepStrictEqual(rest, known) || isDeepStrictEqual(rest, { ...known, LogConfig: unlogged })
  if (isLike(confined(limits))) return 'confined'
  if (isLike(rootless(limits, true)) || isLike(rootless(limits, false))) return 'rootless'
  if (isLike(trusted(limits))) return 'trusted'
  const { Tmpfs, Sysctls } = host
  return isDeepStrictEqual({ ...rest, Tmpfs, Sysctls }, served(limits)) ? 'served' : undefined
}

/** Only a service has a name of its own, on the network that it is made on. @throws Refused */
function checkAlias({ HostConfig, NetworkingConfig }: Container, isService: boolean): void {
  if (NetworkingConfig === undefined) return
  const { EndpointsConfig } = shaped(NetworkingConfig, { EndpointsConfig: isObject }, 'a container')
  const endpoints = Object.entries(EndpointsConfig as object)
  const isItsOwn = endpoints.length === 1 && endpoints[0]?.[0] === HostConfig['NetworkMode']
  refuseUnless(isService && isItsOwn, 'a container may not have a name of its own there')
  checkEndpoint(endpoints[0]?.[1])
}

/** On a network: a name that a service may have, and nothing else. @throws Refused */
export function checkEndpoint(endpoint: unknown): unknown {
  const areNames = (names: unknown) => Array.isArray(names) && names.length === 1 && names.every(like(serviceHost))
  return shaped(endpoint, { Aliases: areNames }, 'an endpoint')
}

/** Names of machines, and whom to ask for others, are those of the settings. @throws Refused */
function checkNames(host: HostConfig, confinement: Confinement, { network }: GateOwner): void {
  if (host['NetworkMode'] === 'none') return
  const wanted = { ...hostNames(network), ...(confinement === 'trusted' ? {} : nameServers(network)) }
  const given = Object.entries(host).filter(([key]) => key === 'ExtraHosts' || key.startsWith('Dns'))
  const areThose = isDeepStrictEqual(Object.fromEntries(given), { ...wanted })
  refuseUnless(areThose, 'a container knows other names than those of the settings')
}

/** @throws Refused */
function checkPlaces(
  { HostConfig: { NetworkMode, Runtime, Binds = [] }, Labels }: Container,
  confinement: Confinement,
  owner: GateOwner,
): void {
  const network = String(NetworkMode)
  refuseUnless(network === 'none' || isOwnName(network, owner), 'a container may only be on a network of this server')
  // A container that is never started, or runs no stranger's code, needs no other runtime.
  const isFree = network === 'none' || confinement === 'trusted'
  refuseUnless(Runtime === owner.runtime || (isFree && Runtime === undefined), 'a container has another runtime')
  const areVolumes = (Binds as string[]).every((bind) => isCache(bind, owner) || isData(bind, Labels, owner))
  refuseUnless(areVolumes, 'a container may only have volumes of this server')
}

/** Volumes by their names; what begins with a slash would be a directory of the host. */
function isCache(bind: string, owner: GateOwner): boolean {
  const [name = '', at = '', options, ...more] = bind.split(':')
  const isOurs = isCacheName(name, owner) || /^paas-base-[0-9a-f]{16}$/.test(name)
  return isOurs && isInside(at) && (options === undefined || options === 'ro') && more.length === 0
}

/** A volume of the app, or of the add-on, that the container is of. */
function isData(bind: string, labels: Labels, owner: GateOwner): boolean {
  const [name = '', at = '', options = '', ...more] = bind.split(':')
  const isItsOwn = isOwnVolume(name, owner) && ownerOfVolume(name) === (labels[label.owner] ?? labels[label.app])
  return isItsOwn && isInside(at) && (options === 'nocopy' || options === 'ro,nocopy') && more.length === 0
}

/** An absolute path below the root that means what it says. */
function isInside(path: string): boolean {
  return /^(\/[A-Za-z0-9_.-]+)+$/.test(path) && !path.split('/').some((part) => part === '.' || part === '..')
}
