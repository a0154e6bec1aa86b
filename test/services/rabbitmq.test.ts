import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Backups } from '../databases/database.ts'
import { api, until } from '../helpers/app.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { RunningAddon } from './running.ts'

const life = new AsyncDisposableStack()
let server: TestServer
let broker: RunningAddon

beforeAll(async () => {
  server = life.use(await startServer())
  broker = life.use(await RunningAddon.create(server, 'cloudamqp'))
}, 600_000)
afterAll(() => life.disposeAsync())

const definitions = JSON.stringify({
  users: [{ name: 'intruder', password_hash: 'x', hashing_algorithm: 'x', tags: ['administrator'] }],
  queues: [{ name: 'work', vhost: 'elsewhere', durable: true, auto_delete: false, arguments: {} }],
  exchanges: [
    {
      name: 'news',
      vhost: 'elsewhere',
      type: 'topic',
      durable: true,
      auto_delete: false,
      internal: false,
      arguments: {},
    },
  ],
  bindings: [
    {
      source: 'news',
      vhost: 'elsewhere',
      destination: 'work',
      destination_type: 'queue',
      routing_key: 'all.#',
      arguments: {},
    },
  ],
})

describe('a broker', () => {
  it('is made with its URL, and says how it is', async () => {
    expect((await broker.config())['CLOUDAMQP_URL']).toMatch(/^amqp:\/\/u\w{14}:p\w{64}@rabbitmq-\w{12}:5672\/d\w{14}$/)
    expect(await broker.info()).toMatchObject({ Version: expect.stringMatching(/^4\.0\.\d+$/), Connections: '0/20' })
  })

  it('takes definitions of another one for its own virtual host, without its users', async () => {
    expect(await broker.program('load', definitions)).toMatchObject({ code: 0, stderr: '' })
    const facts = (await broker.program('facts')).stdout
    expect(facts).toMatch(/^bindings\t1\t\w{32}\nexchanges\t1\t\w{32}\npolicies\t0\t\w{32}\nqueues\t1\t\w{32}\n$/)
    const dump = await broker.program('dump')
    expect(dump.stdout).not.toContain('intruder')
    expect((await broker.info())['Queues']).toBe('1')
    await broker.program('reset')
    expect((await broker.program('facts')).stdout).not.toBe(facts)
    expect((await broker.program('load', dump.stdout)).code).toBe(0)
    expect((await broker.program('facts')).stdout).toBe(facts)
  })

  it('is backed up as its definitions, which a proof finds whole, and not where they are damaged', async () => {
    const dumped = async () =>
      (await api<Backups>(server, 'GET', `/addons/${broker.id}/backups`)).body.last_good ?? undefined
    await api(server, 'POST', `/client/v11/databases/${broker.name}/backups`)
    const good = await until('it is dumped', dumped)
    const proven = await broker.paas(['backups:prove', broker.name])
    expect([proven.code, proven.stderr]).toEqual([0, expect.stringMatching(/and it is whole$/m)])
    const file = join(server.dataDirectory, `dumps/kept/${good.id}.dump`)
    await writeFile(file, (await readFile(file, 'utf8')).replace('news', 'olds'))
    const damaged = await broker.paas(['backups:prove', broker.name])
    expect([damaged.code, damaged.stderr]).toEqual([
      1,
      expect.stringMatching(/what is stored is not what was backed up/),
    ])
    expect((await broker.program('facts')).stdout).toMatch(/^queues\t1\t/m)
  })

  it.each([
    ['nothing', ''],
    ['no definitions', '{"queues": 5}'],
    ['such as no broker takes', '{"queues": [{"name": "x", "arguments": {"x-queue-type": "none"}}], "exchanges": []}'],
  ])('keeps what it has where what is to be loaded is %s', async (_, given) => {
    const before = (await broker.program('facts')).stdout
    const { code, stderr } = await broker.program('load', given)
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^[^\n]+\n$/)])
    expect((await broker.program('facts')).stdout).toBe(before)
  })

  it('gets another password, with a release', async () => {
    const before = (await broker.config())['CLOUDAMQP_URL']
    await broker.paas(['addons:rotate', 'CLOUDAMQP'])
    await until('it is another one', async () => (await broker.config())['CLOUDAMQP_URL'] !== before)
  })
})
