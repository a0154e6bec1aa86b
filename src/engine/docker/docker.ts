import { tmpdir } from 'node:os'
import type { Config } from '../../config.ts'
import type { Logger } from '../../log.ts'
import type { Engine } from '../engine.ts'
import { attachDyno, hangUpDyno } from './attach.ts'
import { cacheBytes, removeCache } from './cache.ts'
import { haltServer, removeApp, removeOrphans, removeServer } from './cleanup.ts'
import { connectClient } from './client.ts'
import { endExec, execInDyno } from './dyno-exec.ts'
import { DynoViews } from './dyno-views.ts'
import { findDyno, listDynos, runDyno, stopDyno } from './dynos.ts'
import { watch } from './events.ts'
import { publicPort, releaseHost } from './firewall.ts'
import { hostBehind, ownHost } from './host.ts'
import { createImageUsers } from './image-user.ts'
import { createImage, findImage, importImage, listImages, readImage, removeImage, saveImage } from './images.ts'
import { info } from './info.ts'
import { appendLayer } from './layer.ts'
import { KnownLayers } from './layers-below.ts'
import { restoreImages, saveImages } from './image-transfer.ts'
import { loadImage, sharedLayers } from './load-image.ts'
import { dynoOutput } from './output.ts'
import { overfullDynos } from './overfull.ts'
import { freeDisk } from './free-disk.ts'
import { createMachine } from './machine.ts'
import { liftUserLimits } from '../../user-limits.ts'
import { OutputReaders } from './readers.ts'
import { createSandbox } from './sandbox.ts'
import { streamInService } from './service-stream.ts'
import { connectService, execInService, listServices, readFromService, runService, writeToService } from './services.ts'
import { listeningSockets } from './sockets.ts'
import { dynoUsage } from './usage.ts'
import { fillVolume, pauseDyno, readVolume, resumeDyno } from './volume-content.ts'
import { createVolume, dataBytes, listVolumes, removeVolume } from './volumes.ts'
import { waitDyno } from './wait-dyno.ts'

/**
 * The engine behind `docker`. Connects at the first call, so it can be made while the engine is
 * down.
 * @param serverId what all labels, and the names of all things it makes, are derived from
 */
export function connectDocker({ docker: connection, serverId, log, ...config }: ConnectOptions): Engine {
  const docker = connectClient(connection)
  const network = config.network ?? { firewall: true, allow: [], host: [] }
  const firewall = { serverId, log, network, publicPort: publicPort(config) }
  const deps = {
    docker,
    imageUsers: createImageUsers({ docker, serverId, log }),
    machine: createMachine({ docker }),
    layers: new KnownLayers({ docker }),
    runtime: config.runtime,
    network,
    host: connection.kind === 'gate' ? hostBehind(connection.path) : ownHost(firewall),
    serverId,
    log,
    scratch: config.dataDirectory ?? tmpdir(),
    pending: new Map<string, Promise<void>>(),
    readers: new OutputReaders(),
    views: new DynoViews(),
  }
  return {
    info: () => info(deps),
    machine: deps.machine,
    freeDisk: () => freeDisk(deps),
    findImage: (reference) => findImage(deps, reference),
    importImage: (rootfs, options) => importImage(deps, rootfs, options),
    createImage: (options) => createImage(deps, options),
    appendLayer: (options) => appendLayer(deps, options),
    loadImage: (options) => loadImage(deps, options),
    sharedLayers: (digests) => sharedLayers(deps, digests),
    saveImage: (digest, signal) => saveImage(deps, digest, signal),
    saveImages: (images, signal) => saveImages(deps, images, signal),
    restoreImages: (tar, signal) => restoreImages(deps, tar, signal),
    readImage: (digest, path, signal) => readImage(deps, digest, path, signal),
    listImages: (filter) => listImages(deps, filter),
    removeImage: (digest) => removeImage(deps, digest),
    createSandbox: (spec, signal) => createSandbox(deps, spec, signal),
    runDyno: (spec, signal) => runDyno(deps, spec, signal),
    attachDyno: (spec, terminal, signal) => attachDyno(deps, spec, terminal, signal),
    execInDyno: (id, spec, signal) => execInDyno(deps, id, spec, signal),
    endExec: (id, session) => endExec(deps, id, session),
    hangUpDyno: (id) => hangUpDyno(deps, id),
    stopDyno: (id, graceMs) => stopDyno(deps, id, graceMs),
    listDynos: (filter) => listDynos(deps, filter),
    findDyno: (id) => findDyno(deps, id),
    overfullDynos: (limitMiB) => overfullDynos(deps, limitMiB),
    dynoUsage: (id) => dynoUsage(deps, id),
    listeningSockets: (id) => listeningSockets(deps, id),
    waitDyno: (id, signal) => waitDyno(deps, id, signal),
    dynoOutput: (id, options, signal) => dynoOutput(deps, id, options, signal),
    watch: (signal) => watch(deps, signal),
    secureHost: async () => {
      await liftUserLimits(deps.log)
      await deps.host.secure()
    },
    removeApp: (appId, keep) => removeApp(deps, appId, keep),
    cacheBytes: (appId) => cacheBytes(deps, appId),
    removeCache: (appId) => removeCache(deps, appId),
    runService: (spec, signal) => runService(deps, spec, signal),
    listServices: (filter) => listServices(deps, filter),
    connectService: (service, to) => connectService(deps, service, to),
    execInService: (id, command, signal) => execInService(deps, id, command, signal),
    streamInService: (id, command, signal) => streamInService(deps, id, command, signal),
    readFromService: (id, path) => readFromService(deps, id, path),
    writeToService: (id, path, tar) => writeToService(deps, id, path, tar),
    createVolume: (spec) => createVolume(deps, spec),
    listVolumes: (filter) => listVolumes(deps, filter),
    removeVolume: (volume) => removeVolume(deps, volume),
    dataBytes: (volume) => dataBytes(deps, volume),
    readVolume: (volume, signal) => readVolume(deps, volume, signal),
    fillVolume: (volume, tar, signal) => fillVolume(deps, volume, tar, signal),
    pauseDyno: (id) => pauseDyno(deps, id),
    resumeDyno: (id) => resumeDyno(deps, id),
    removeOrphans: (keep) => removeOrphans(deps, keep),
    haltServer: async () => {
      await haltServer(deps)
      await releaseHost(firewall)
    },
    removeServer: async () => {
      await removeServer(deps)
      await releaseHost(firewall)
    },
  }
}

type ConnectOptions = Pick<Config, 'docker'> &
  Partial<Pick<Config, 'network' | 'runtime' | 'domain' | 'httpPort' | 'dataDirectory'>> & {
    serverId: string
    log: Logger
  }
