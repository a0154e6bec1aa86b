import { describe, expect, it } from 'vitest'
import { dynoOptions } from '../../src/engine/docker/dyno-options.ts'
import { networkOptions } from '../../src/engine/docker/network-options.ts'
import {
  bridgeName,
  cacheName,
  containerName,
  imageName,
  networkName,
  serverPrefix,
  volumeName,
} from '../../src/engine/docker/names.ts'
import { volumeOptions } from '../../src/engine/docker/volume-options.ts'
import type { DynoSpec } from '../../src/engine/engine.ts'
import type { Mount } from '../../src/engine/volumes.ts'
import { label } from '../../src/engine/labels.ts'
import { parseAsked } from '../../src/gate/asked.ts'
import { judgeCall } from '../../src/gate/policy.ts'
import { Refused } from '../../src/gate/refused.ts'
import type { AppId } from '../../src/model/ids.ts'

/** Who has taken over the worker asks the engine for what makes them root of the machine, or master of others' containers. */

const serverId = 'a1b2c3d4e5f6'
const network = { firewall: true, allow: [], host: [] }
const owner = { serverId, ancestors: [], runtime: undefined, network }
const id = 'c'.repeat(64)
const image = `sha256:${'d'.repeat(64)}`
const appId = '01234567-89ab-4def-8123-456789abcdef' as AppId
const volume = { id: '11111111-2222-4333-8444-555555555555', owner: appId }
const another = { ...volume, owner: '99999999-89ab-4def-8123-456789abcdef' }
const own = { [label.server]: serverId }
const filters = (...labels: string[]) => encodeURIComponent(JSON.stringify({ label: labels }))

function asked(what: string, body?: unknown) {
  const [method = '', url = ''] = what.split(' ')
  return judgeCall(parseAsked(method, `/v1.41${url}`), body, owner)
}

const spec: DynoSpec = {
  appId,
  app: 'acme',
  name: 'web.1',
  type: 'web',
  release: 7,
  image,
  command: 'node server.js',
  env: { PORT: '5000' },
  size: 'basic',
  limits: { memoryMiB: 512, cpus: 1, pids: 256 },
  restart: true,
}
const usual = {
  network: networkName(serverId, appId, 'run'),
  opened: network,
  runtime: undefined,
  user: '10001:1000',
  session: undefined,
}

type Body = { HostConfig: Record<string, unknown> } & Record<string, unknown>

/** A dyno's container as the worker makes it, and as JSON has it. */
function dyno(place: Partial<Parameters<typeof dynoOptions>[2]> = {}): Body {
  const { name: _, ...body } = dynoOptions(serverId, spec, { ...usual, ...place })
  return JSON.parse(JSON.stringify(body)) as Body
}
const withVolumes = (volumes: Mount[]): Body => {
  const { name: _, ...body } = dynoOptions(serverId, { ...spec, volumes }, usual)
  return JSON.parse(JSON.stringify(body)) as Body
}
const create = `POST /containers/create?name=${containerName(serverId, 'acme', 'web.1')}`
const withHost = (changes: object): Body => ({ ...dyno(), HostConfig: { ...dyno().HostConfig, ...changes } })
const withoutHost = (key: string): Body => {
  const { [key]: _, ...HostConfig } = dyno().HostConfig
  return { ...dyno(), HostConfig }
}

describe('the gate lets the worker', () => {
  it('make a dyno, and passes on what it has read of it', () => {
    const order = asked(create, dyno())
    expect(order).toMatchObject({ method: 'POST', body: { json: dyno() }, things: [{ kind: 'image', name: image }] })
    expect(order.path).toMatch(/^\/v1\.41\/containers\/create\?name=paas-/)
  })

  it('make a dyno with the names that the settings open and choose, and with these alone', () => {
    const opened = { ...network, host: [{ port: 5432 }], nameServers: ['10.0.0.53'] }
    const call = parseAsked('POST', create.slice('POST '.length))
    expect(judgeCall(call, dyno({ opened }), { ...owner, network: opened }).answer).toBe('new container')
    expect(() => judgeCall(call, dyno(), { ...owner, network: opened })).toThrow(Refused)
    expect(() => judgeCall(call, dyno({ opened }), owner)).toThrow(Refused)
  })

  it('make a dyno with a terminal', () => {
    expect(asked(create, dyno({ session: { terminal: { columns: 80, rows: 24 } } })).answer).toBe('new container')
  })

  it('make a dyno with the volumes of its app', () => {
    const mounted = withVolumes([{ ...volume, at: '/app/media' }])
    expect(mounted.HostConfig['Binds']).toEqual([`${volumeName(serverId, volume)}:/app/media:nocopy`])
    expect(asked(create, mounted).answer).toBe('new container')
    const readOnly = withVolumes([{ ...volume, at: '/app/media', readOnly: true }])
    expect(asked(create, readOnly).answer).toBe('new container')
  })

  it('run containers of strangers by the runtime of the settings alone', () => {
    const ofSettings = { ...owner, runtime: 'runsc' }
    const call = parseAsked('POST', create.slice('POST '.length))
    expect(judgeCall(call, dyno({ runtime: 'runsc' }), ofSettings).answer).toBe('new container')
    expect(() => judgeCall(call, dyno(), ofSettings)).toThrow(Refused)
  })

  it.each([
    ['a container of its own', `GET /containers/${id}/json`, undefined],
    ['a list of them', `GET /containers/json?all=true&filters=${filters(`paas.server=${serverId}`)}`, undefined],
    ['its end', `DELETE /containers/${id}?force=true&v=true`, undefined],
    [
      'its output',
      `GET /containers/${id}/logs?stdout=true&stderr=true&timestamps=true&follow=false&tail=all`,
      undefined,
    ],
    ['a process in it', `POST /containers/${id}/exec`, { Cmd: ['cat'], Env: [], AttachStdout: true }],
    [
      'a network',
      'POST /networks/create',
      networkOptions(serverId, { appId, purpose: 'run', subnet: '10.210.3.0/24' }),
    ],
    [
      'a cache',
      'POST /volumes/create',
      { Name: cacheName(serverId, appId), Labels: { ...own, [label.app]: appId, [label.kind]: 'cache' } },
    ],
    ['a volume', 'POST /volumes/create', volumeOptions(serverId, { ...volume, kind: 'volume', name: 'media' })],
    ['a list of volumes', `GET /volumes?filters=${filters(`paas.server=${serverId}`)}`, undefined],
    ['a look at a volume', `GET /volumes/${volumeName(serverId, volume)}`, undefined],
    ['the end of a volume', `DELETE /volumes/${volumeName(serverId, volume)}`, undefined],
  ])('have %s', (_, what, body) => {
    expect(asked(what, body).method).toBe(what.split(' ')[0])
  })
})

/** Each is refused whatever the engine would make of it. */
const attacks: Record<string, [string, unknown?]> = {
  // More than a container may
  'a privileged container': [create, withHost({ Privileged: true })],
  'a capability': [create, withHost({ CapAdd: ['SYS_ADMIN'] })],
  'the capabilities of builders beside the usual filter': [create, withHost({ CapAdd: ['SETUID', 'SETGID'] })],
  'the capabilities that come by themselves': [create, withoutHost('CapDrop')],
  'no system call filter': [create, withHost({ SecurityOpt: ['no-new-privileges:true', 'seccomp=unconfined'] })],
  'a filter of one’s own': [create, withHost({ SecurityOpt: ['no-new-privileges:true', 'seccomp={}'] })],
  'no AppArmor': [
    create,
    withHost({ SecurityOpt: [...(dyno().HostConfig['SecurityOpt'] as string[]), 'apparmor=unconfined'] }),
  ],
  'new privileges': [create, withHost({ SecurityOpt: (dyno().HostConfig['SecurityOpt'] as string[]).slice(1) })],
  'no label of a confinement': [create, withHost({ SecurityOpt: ['label=disable'] })],
  'a device': [
    create,
    withHost({ Devices: [{ PathOnHost: '/dev/sda', PathInContainer: '/dev/sda', CgroupPermissions: 'rwm' }] }),
  ],
  'a rule for devices': [create, withHost({ DeviceCgroupRules: ['b *:* rwm'] })],
  'a request for devices': [create, withHost({ DeviceRequests: [{ Driver: 'nvidia', Count: -1 }] })],
  'a parameter of the kernel': [create, withHost({ Sysctls: { 'kernel.shm_rmid_forced': '1' } })],
  'a limit of the user’s': [create, withHost({ Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 1 << 30 }] })],
  'another control group': [create, withHost({ CgroupParent: '/' })],
  'another runtime': [create, withHost({ Runtime: 'io.containerd.runc.v2' })],
  'no limit of memory': [create, withHost({ Memory: 0, MemorySwap: 0, ShmSize: 0 })],
  'more swap than memory': [create, withHost({ MemorySwap: -1 })],
  'no limit of processes': [create, withHost({ PidsLimit: -1 })],
  'an own place for the output': [
    create,
    withHost({ LogConfig: { Type: 'syslog', Config: { 'syslog-address': 'unix:///var/run/docker.sock' } } }),
  ],
  'masked paths opened': [create, withHost({ MaskedPaths: [] })],
  'an engine’s own init': [create, withHost({ Init: false })],
  root: [create, { ...dyno(), User: 'root' }],
  'root by a number': [create, { ...dyno(), User: '0:1000' }],
  'root by another spelling': [create, { ...dyno(), User: '+0' }],
  'a health check': [create, { ...dyno(), Healthcheck: { Test: ['CMD-SHELL', 'id'] } }],
  'volumes of the image': [create, { ...dyno(), Volumes: { '/x': {} } }],
  // The host's and others' namespaces
  'the host’s network': [create, withHost({ NetworkMode: 'host' })],
  'the usual bridge': [create, withHost({ NetworkMode: 'default' })],
  'another server’s network': [create, withHost({ NetworkMode: networkName('another', appId, 'run') })],
  'another container’s network': [create, withHost({ NetworkMode: `container:${id}` })],
  'a second network': [create, { ...dyno(), NetworkingConfig: { EndpointsConfig: { bridge: {} } } }],
  'the host’s processes': [create, withHost({ PidMode: 'host' })],
  'another container’s processes': [create, withHost({ PidMode: `container:${id}` })],
  'the host’s IPC': [create, withHost({ IpcMode: 'host' })],
  'the host’s name': [create, withHost({ UTSMode: 'host' })],
  'the host’s users': [create, withHost({ UsernsMode: 'host' })],
  'the host’s control groups': [create, withHost({ CgroupnsMode: 'host' })],
  'ports of the host': [create, withHost({ PortBindings: { '80/tcp': [{ HostPort: '80' }] } })],
  'another name for an address': [create, withHost({ ExtraHosts: ['metadata:169.254.169.254'] })],
  // Files of the host
  'the root of the host': [create, withHost({ Binds: ['/:/host'] })],
  'the engine’s socket': [create, withHost({ Binds: ['/var/run/docker.sock:/d.sock'] })],
  'a path that leads upwards': [create, withHost({ Binds: [`${cacheName(serverId, appId)}/../../../../..:/host`] })],
  'another server’s cache': [create, withHost({ Binds: [`${cacheName('another', appId)}:/cache`] })],
  'any volume': [create, withHost({ Binds: ['postgres-data:/data'] })],
  'a cache with the host’s mounts': [create, withHost({ Binds: [`${cacheName(serverId, appId)}:/cache:rshared`] })],
  'the volume of another app': [create, withVolumes([{ ...another, at: '/x' }])],
  'a volume of another server': [create, withHost({ Binds: [`${volumeName('another', volume)}:/x:nocopy`] })],
  'a volume with the host’s mounts': [
    create,
    withHost({ Binds: [`${volumeName(serverId, volume)}:/x:nocopy,rshared`] }),
  ],
  'a volume over everything': [create, withHost({ Binds: [`${volumeName(serverId, volume)}:/:nocopy`] })],
  'a volume that is a directory of the host by its name': [
    'POST /volumes/create',
    {
      ...volumeOptions(serverId, { ...volume, kind: 'volume', name: 'media' }),
      DriverOpts: { type: 'none', o: 'bind', device: '/' },
    },
  ],
  'a volume that says it is another’s': [
    'POST /volumes/create',
    {
      ...volumeOptions(serverId, { ...volume, kind: 'volume', name: 'media' }),
      Name: volumeName(serverId, another),
    },
  ],
  'a list of all volumes': ['GET /volumes'],
  'a look at another server’s volume': [`GET /volumes/${volumeName('another', volume)}`],
  'the end of another server’s volume': [`DELETE /volumes/${volumeName('another', volume)}`],
  'all unused volumes removed': ['POST /volumes/prune'],
  'a mount': [create, withHost({ Mounts: [{ Type: 'bind', Source: '/etc', Target: '/etc' }] })],
  'a volume with options': [
    create,
    withHost({
      Mounts: [
        {
          Type: 'volume',
          Target: '/x',
          VolumeOptions: { DriverConfig: { Options: { type: 'none', o: 'bind', device: '/' } } },
        },
      ],
    }),
  ],
  'another container’s volumes': [create, withHost({ VolumesFrom: [id] })],
  'a driver of volumes': [create, withHost({ VolumeDriver: 'local' })],
  'a file system in memory without limits': [create, withHost({ Tmpfs: { '/x': 'rw,exec,suid,dev' } })],
  'a volume that is a directory of the host': [
    'POST /volumes/create',
    {
      Name: cacheName(serverId, appId),
      Labels: { ...own, [label.app]: appId, [label.kind]: 'cache' },
      Driver: 'local',
      DriverOpts: { type: 'none', o: 'bind', device: '/' },
    },
  ],
  'a volume of any name': ['POST /volumes/create', { Name: 'postgres-data', Labels: own }],
  // Others' names and labels
  'a name that is not the server’s': ['POST /containers/create?name=postgres', dyno()],
  'no name': ['POST /containers/create', dyno()],
  'another server’s label': [create, { ...dyno(), Labels: { ...own, [label.server]: 'another' } }],
  'no label': [create, { ...dyno(), Labels: {} }],
  'an image by a name': [create, { ...dyno(), Image: 'postgres:latest' }],
  // Two meanings of one request
  'a key in other letters': [create, { ...dyno(), hostconfig: { Privileged: true } }],
  'a key of the confinement in other letters': [create, withHost({ privileged: true })],
  'a key that is in every object': [create, JSON.parse(`{"__proto__":{"Image":"x"}}`)],
  'a key of the query twice': [`${create}&name=postgres`, dyno()],
  'a path with a code in it': [`GET /containers/${id}%2fjson`],
  'a path that goes up': ['GET /containers/../info'],
  'an empty part of a path': ['GET //info'],
  'an old version of the API': ['GET /v1.12/info'],
  'a body in place of an object': [create, [dyno()]],
  // Networks
  'a network with the host’s bridge': [
    'POST /networks/create',
    {
      ...networkOptions(serverId, { appId, purpose: 'run', subnet: '10.210.3.0/24' }),
      Options: { 'com.docker.network.bridge.name': 'docker0', 'com.docker.network.bridge.enable_icc': 'true' },
    },
  ],
  'a network with the bridge of stacks': [
    'POST /networks/create',
    {
      ...networkOptions(serverId, { appId, purpose: 'run', subnet: '10.210.3.0/24' }),
      Options: {
        'com.docker.network.bridge.name': bridgeName(serverId, undefined, 'build'),
        'com.docker.network.bridge.enable_icc': 'true',
      },
    },
  ],
  'a network of another driver': [
    'POST /networks/create',
    { ...networkOptions(serverId, { appId, purpose: 'run', subnet: '10.210.3.0/24' }), Driver: 'macvlan' },
  ],
  'a network over the host’s': [
    'POST /networks/create',
    networkOptions(serverId, { appId, purpose: 'run', subnet: '192.168.0.0/24' }),
  ],
  'a network of another server': [
    'POST /networks/create',
    networkOptions('another', { appId, purpose: 'run', subnet: '10.210.3.0/24' }),
  ],
  'a container put into a network': [
    `POST /networks/${networkName(serverId, appId, 'run')}/connect`,
    { Container: id },
  ],
  // Images
  'an image from a registry': ['POST /images/create?fromImage=alpine&tag=latest'],
  'an image under any name': ['POST /images/create?fromSrc=-&repo=postgres&tag=latest&changes='],
  'an image with a command of one’s own': [
    `POST /images/create?fromSrc=-&repo=paas/debian-13-run&tag=${'a'.repeat(16)}&changes=${encodeURIComponent('CMD id')}`,
  ],
  'an image kept under any name': [
    `POST /commit?container=${id}&repo=postgres&tag=latest&pause=false`,
    { Labels: own },
  ],
  'an image kept for nobody': [
    `POST /commit?container=${id}&repo=${serverPrefix(serverId)}&tag=${'a'.repeat(16)}&pause=false`,
    {},
  ],
  'changes on the way': [
    `POST /commit?container=${id}&repo=${serverPrefix(serverId)}&tag=${'a'.repeat(16)}&changes=USER`,
    { Labels: own },
  ],
  'a name for an image': [`POST /images/${image}/tag?repo=postgres`],
  'an image sent to a registry': ['POST /images/acme/push'],
  'a build in the engine': ['POST /build?remote=http://169.254.169.254/'],
  'several images at once': ['GET /images/get?names=postgres'],
  'all unused images removed': ['POST /images/prune'],
  // What else there is
  'a list of all containers': ['GET /containers/json?all=true'],
  'a list of another server’s containers': [`GET /containers/json?filters=${filters('paas.server=another')}`],
  'a container in another’s way': [`GET /containers/${id}/export`],
  'a container under another name': [`POST /containers/${id}/rename?name=postgres`],
  'higher limits': [`POST /containers/${id}/update`, { Memory: 0 }],
  'a privileged process': [`POST /containers/${id}/exec`, { Cmd: ['id'], Privileged: true }],
  'a process without a reader': [`POST /exec/${id}/start`, { Detach: true }],
  'a signal': [`POST /containers/${id}/kill?signal=KILL`],
  'a process list': [`GET /containers/${id}/top`],
  plugins: ['POST /plugins/pull?remote=x'],
  'a swarm': ['POST /swarm/init', { ListenAddr: '0.0.0.0' }],
  secrets: ['GET /secrets'],
  services: ['POST /services/create', {}],
  'a session': ['POST /session'],
  'what is on the disk': ['GET /system/df'],
}

describe('the gate refuses the worker', () => {
  it.each(Object.entries(attacks))('%s', (_, [what, body]) => {
    expect(() => asked(what, body)).toThrow(Refused)
  })

  it('any key that the engine knows and this server does not use', () => {
    const unused = [
      'AutoRemove',
      'BlkioWeight',
      'Capabilities',
      'ConsoleSize',
      'CpuRealtimeRuntime',
      'Dns',
      'GroupAdd',
      'Isolation',
    ]
    for (const key of [
      ...unused,
      'KernelMemory',
      'Links',
      'OomKillDisable',
      'PublishAllPorts',
      'ReadonlyPaths',
      'StorageOpt',
    ]) {
      expect(() => asked(create, withHost({ [key]: null })), key).toThrow(Refused)
    }
  })
})

it('a name that the server gives to an image is one that it may give', () => {
  const [repo, tag] = imageName(serverId).split(':')
  const what = `POST /commit?container=${id}&repo=${repo}&tag=${tag}&pause=false`
  expect(asked(what, { Labels: own, Entrypoint: null }).things).toEqual([{ kind: 'container', id }])
})
