import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import packets from 'dns-packet'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

/** A name server with these records; of `mute.test` it says nothing. */
class NameServer implements AsyncDisposable {
  readonly records = new Map<string, string>()
  readonly #socket: Socket

  constructor() {
    this.#socket = createSocket('udp4')
    this.#socket.on('message', (message, { port, address }) => {
      const { id = 0, questions = [] } = packets.decode(message)
      const [question] = questions
      if (!question || question.name.endsWith('mute.test')) return
      const { name, type } = question
      const data = this.records.get(`${name.toLowerCase()} ${type}`)
      const answers = data === undefined ? [] : [{ name, type, ttl: 1, data } as packets.Answer]
      const flags = packets.AUTHORITATIVE_ANSWER | (data === undefined ? 3 : 0)
      this.#socket.send(packets.encode({ type: 'response', id, flags, questions, answers }), port, address)
    })
  }

  async start(): Promise<number> {
    await once(this.#socket.bind(0, '127.0.0.1'), 'listening')
    return (this.#socket.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close()
    await once(this.#socket, 'close')
  }
}

const names = new NameServer()
let api: TestApi
beforeAll(async () => {
  const port = await names.start()
  api = await TestApi.start({
    PAAS_DOMAIN_PROOF: 'dns',
    PAAS_DNS_SERVERS: `127.0.0.1:${port}`,
    PAAS_DOMAIN: 'paas.test',
  })
  await api.createApp('acme')
  await api.createApp('second')
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
  await names[Symbol.asyncDispose]()
})

const add = (hostname: string, app = 'acme', token = api.token) =>
  api.call('POST', `/apps/${app}/domains`, { token, body: { hostname } })

/** The records that the answer asks for. */
async function asked(hostname: string, app?: string, token?: string): Promise<{ txt: string[]; cname: string[] }> {
  const { status, body } = await add(hostname, app, token)
  expect([status, body['id']]).toEqual([422, 'domain_unproven'])
  const [, ...txt] = /record (\S+) TXT "(paas-domain=[0-9a-f]{32})"/.exec(String(body['message'])) ?? []
  const [, ...cname] = /or (\S+) CNAME ([0-9a-f]{32}\.paas\.test)/.exec(String(body['message'])) ?? []
  return { txt, cname }
}

describe('a domain, when the operator asks for a proof', () => {
  it('is taken once a TXT record says whose it is, for any app of the account', async () => {
    const { txt } = await asked('www.one.test')
    expect(txt[0]).toBe('_paas.www.one.test')
    names.records.set(`${txt[0]} TXT`, txt[1]!)
    expect(await add('www.one.test', 'second')).toMatchObject({ status: 201, body: { hostname: 'www.one.test' } })
  })

  it('is taken once it leads here by a name that nobody else gets', async () => {
    const { cname } = await asked('www.two.test')
    names.records.set('www.two.test CNAME', 'acme.paas.test')
    await asked('www.two.test')
    names.records.set(`${cname[0]} CNAME`, cname[1]!)
    expect((await add('www.two.test')).status).toBe(201)
  })

  it('is proven for one account, not for another', async () => {
    const { token } = api.stranger()
    await api.createApp('theirs', token)
    const mine = await asked('www.three.test')
    names.records.set(`${mine.txt[0]} TXT`, mine.txt[1]!)
    const theirs = await asked('www.three.test', 'theirs', token)
    expect(theirs.txt[1]).not.toBe(mine.txt[1])
    expect((await add('www.three.test')).status).toBe(201)
  })

  it('with a wildcard is proven by a TXT record at its base', async () => {
    const { txt, cname } = await asked('*.four.test')
    expect([txt[0], cname]).toEqual(['_paas.four.test', []])
    names.records.set(`${txt[0]} TXT`, txt[1]!)
    expect((await add('*.four.test')).status).toBe(201)
  })

  it('is looked up behind the answer: whether it leads here, elsewhere or nowhere, and what it should say', async () => {
    const { id } = api.store.apps.find('acme')!
    for (const hostname of ['www.five.test', 'six.test', 'seven.test', '*.eight.test', 'www.mute.test']) {
      api.store.domains.create({ appId: id, hostname, sniEndpointId: null })
    }
    names.records.set('www.five.test CNAME', 'acme.paas.test').set('six.test A', '192.0.2.6')
    const states = async () => {
      const { body } = await api.call('GET', '/apps/acme/domain-lookups')
      const all = body as unknown as { hostname: string; state: string | null; addresses: string[]; wanted: object }[]
      return Object.fromEntries(all.map((one) => [one.hostname, one]))
    }
    names.records.set('paas.test A', '192.0.2.80')
    expect((await states())['six.test']).toMatchObject({ state: null, is_looking: true })
    await expect.poll(states).toMatchObject({
      'www.five.test': { state: 'here' },
      'six.test': { state: 'elsewhere', addresses: ['192.0.2.6'], wanted: { value: 'acme.paas.test' } },
      // As the DNS has the server, without addresses of networks inside the machine.
      'seven.test': { state: 'missing', server_addresses: ['192.0.2.80'] },
      '*.eight.test': { state: 'missing' },
      'www.mute.test': { state: 'silent' },
    })
  })

  it('whose name server is silent is refused with that, after some seconds', async () => {
    const { body } = await add('www.mute.test')
    expect(body['message']).toContain('its DNS did not answer')
  })
})

it('shows every route of its own', () => expectAllSeen('routing/domain-proof.test.ts'))
