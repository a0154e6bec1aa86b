import { describe, expect, it } from 'vitest'
import { containerName, networkName } from '../../src/engine/docker/names.ts'
import { serviceOptions } from '../../src/engine/docker/service-options.ts'
import type { ServiceSpec } from '../../src/engine/engine.ts'
import { label } from '../../src/engine/labels.ts'
import { parseAsked } from '../../src/gate/asked.ts'
import { judgeCall } from '../../src/gate/policy.ts'
import { Refused } from '../../src/gate/refused.ts'
import type { AddonId, AppId } from '../../src/model/ids.ts'

const serverId = 'a1b2c3d4e5f6'
const opened = { firewall: true, allow: [], host: [] }
const owner = { serverId, ancestors: [], runtime: undefined, network: opened }
const appId = '01234567-89ab-4def-8123-456789abcdef' as AppId
const addonId = '11111111-2222-4333-8444-555555555555' as AddonId
const network = networkName(serverId, appId, 'run')
const data = { id: addonId, owner: addonId, at: '/data' }
const spec: ServiceSpec = {
  addonId,
  appId,
  app: 'acme',
  appIds: [appId],
  process: 'postgresql.1',
  host: 'postgresql-444555555555',
  image: `sha256:${'d'.repeat(64)}`,
  argv: ['/usr/lib/paas/service/start'],
  env: { SERVICE_PASSWORD: 'secret' },
  limits: { memoryMiB: 256, cpus: 1, pids: 1024 },
  data,
  version: '0123456789abcdef',
}

type Body = { HostConfig: object; Labels: object } & Record<string, unknown>

function service(changes: Partial<ServiceSpec> = {}): Body {
  const { name: _, ...body } = serviceOptions(
    serverId,
    { ...spec, ...changes },
    { network, opened, runtime: undefined },
  )
  return JSON.parse(JSON.stringify(body)) as Body
}

function asked(what: string, body: unknown) {
  const [method = '', url = ''] = what.split(' ')
  return judgeCall(parseAsked(method, `/v1.41${url}`), body, owner)
}

const create = `POST /containers/create?name=${containerName(serverId, 'acme', 'postgresql.1')}`
const withHost = (changes: object): Body => ({ ...service(), HostConfig: { ...service().HostConfig, ...changes } })
const named = (EndpointsConfig: object): Body => ({ ...service(), NetworkingConfig: { EndpointsConfig } })
const id = 'c'.repeat(64)
const connect = `POST /networks/${network}/connect`

describe('the gate lets the worker', () => {
  it('make the container of a service, with its data and a name on its network', () => {
    expect(asked(create, service())).toMatchObject({ answer: 'new container', body: { json: service() } })
    expect(asked(create, service({ data: undefined })).answer).toBe('new container')
  })

  it('connect a container of its own with a network of its own', () => {
    const body = { Container: id, EndpointConfig: { Aliases: [spec.host] } }
    expect(asked(connect, body)).toMatchObject({ body: { json: body }, things: [{ id: network }, { id }] })
  })
})

describe('the gate refuses', () => {
  it.each<[string, Body]>([
    ['a root that can be written', withHost({ ReadonlyRootfs: false })],
    ['a published port', withHost({ PortBindings: { '5432/tcp': [{ HostPort: '5432' }] } })],
    ['a directory of the host', withHost({ Binds: ['/etc:/data'] })],
    ["the data of another's", service({ data: { ...data, owner: '99999999-2222-4333-8444-555555555555' } })],
    ['to forward packets', withHost({ Sysctls: { 'net.ipv4.ip_forward': '1' } })],
    ['capabilities', withHost({ CapAdd: ['NET_ADMIN'] })],
    ['more in memory than is known', withHost({ Tmpfs: { '/tmp': 'rw,size=64g' } })],
    ['another place in memory', withHost({ Tmpfs: { '/run': 'rw,exec' } })],
    ['a name like any', named({ [network]: { Aliases: ['api.example.com'] } })],
    ['an address of choice', named({ [network]: { Aliases: [spec.host], IPAMConfig: { IPv4Address: '10.208.0.1' } } })],
    ['a name on another network', named({ bridge: { Aliases: [spec.host] } })],
    ['root', { ...service(), User: 'root' }],
    ['to pass for a dyno', { ...service(), Labels: { ...service().Labels, [label.kind]: 'dyno' } }],
  ])('a service with %s', (_what, body) => {
    expect(() => asked(create, body)).toThrow(Refused)
  })

  it.each([
    { Container: 'postgres', EndpointConfig: { Aliases: [spec.host] } },
    { Container: id, EndpointConfig: { Aliases: ['web'] } },
    { Container: id, EndpointConfig: { Aliases: [spec.host], DriverOpts: {} } },
    { Container: id },
  ])('to connect with %j', (body) => {
    expect(() => asked(connect, body)).toThrow(Refused)
  })
})
