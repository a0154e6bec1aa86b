import { cp, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addNotesService } from '../backups/notes-service.ts'
import { api, until } from '../helpers/app.ts'
import { rolePid } from '../helpers/processes.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { RunningAddon } from '../services/running.ts'
import type { Backups, Proof } from './database.ts'

const run = promisify(execFile)
const life = new AsyncDisposableStack()
let server: TestServer
let cache: RunningAddon
let memo: RunningAddon

beforeAll(async () => {
  server = life.use(await startServer())
  await addNotesService(server.dataDirectory, { name: 'memo', without: ['facts'] })
  cache = life.use(await RunningAddon.create(server, 'heroku-redis:premium-0'))
  memo = await RunningAddon.create(server, 'memo', cache.app)
  const webhook = { include: ['api:addon'], level: 'notify', url: 'https://hooks.example.invalid/' }
  await api(server, 'POST', `/apps/${cache.app}/webhooks`, { body: webhook })
  await cache.program('client', 'SET greeting hello\nRPUSH list a b c\n')
}, 600_000)
afterAll(() => life.disposeAsync())

const backupsOf = async ({ id }: RunningAddon) => (await api<Backups>(server, 'GET', `/addons/${id}/backups`)).body

async function capture({ app, name, id }: RunningAddon): Promise<void> {
  const { last_good: before } = await backupsOf({ id } as RunningAddon)
  await api(server, 'POST', `/client/v11/databases/${name}/backups`)
  await until(`${name} of ${app} is dumped`, async () => {
    const { last_good: good } = await backupsOf({ id } as RunningAddon)
    return good !== null && good.name !== before?.name
  })
}

/** What Docker has of throw-away containers and volumes. */
async function trials(): Promise<string> {
  const own = ['--filter', `label=paas.server=${await server.serverId()}`]
  const all = await Promise.all([
    run('docker', ['ps', '--all', '--quiet', ...own, '--filter', 'label=paas.dyno=proof.redis.1']),
    run('docker', ['volume', 'ls', '--quiet', ...own, '--filter', 'label=paas.volume-name=proof.redis.1']),
  ])
  return all.map(({ stdout }) => stdout.trim()).join('')
}

async function untilOver({ id }: RunningAddon, proof: string): Promise<Proof> {
  return until(
    'the proof is over',
    async () => {
      const { body } = await api<Proof>(server, 'GET', `/addons/${id}/proofs/${proof}`)
      return (body.status === 'succeeded' || body.status === 'failed') && body
    },
    120_000,
  )
}

/** Since its dumps were made, on record. */
function anHourPasses({ id }: RunningAddon): void {
  using db = new DatabaseSync(join(server.dataDirectory, 'paas.db'), { timeout: 5000 })
  const columns = ['created_at', 'started_at', 'ended_at', 'same_until']
  const earlier = columns.map((name) => `${name} = ${name} - 3600000`).join(', ')
  db.prepare(`UPDATE data_transfers SET ${earlier} WHERE from_addon_id = ?`).run(id)
}

async function ask({ id }: RunningAddon): Promise<string> {
  return (await api<Proof>(server, 'POST', `/addons/${id}/actions/prove`, { body: {} })).body.id
}

describe('dumps of a Redis', () => {
  it('are in the list of backups with what would be lost, and are proven by loading the newest', async () => {
    expect((await cache.paas(['backups'])).stdout).toMatch(/redis-\S+ +\S+ +none yet +none yet +all of it/)
    await capture(cache)
    const { code, stdout, stderr } = await cache.paas(['backups:prove', cache.name])
    expect([code, stderr]).toEqual([0, expect.stringContaining('and it is whole')])
    expect(stdout + stderr).not.toContain('not compared')
    const backups = await backupsOf(cache)
    expect(backups).toMatchObject({
      kind: 'dumps',
      problem: null,
      last_proven: { backup: backups.last_good!.name, compared: true },
    })
    expect(backups.recovery_point_seconds).toBeLessThan(120)
    expect((await cache.paas(['backups', cache.name])).stdout).toMatch(/Schedule: +a dump each day at 0\d:00 UTC/)
    expect(await trials()).toBe('')
  })

  it('are made by themselves an hour after the last one, if something was written', async () => {
    const { last_good: before } = await backupsOf(cache)
    await cache.program('client', 'SET greeting again\n')
    anHourPasses(cache)
    const lost = async () => (await backupsOf(cache)).recovery_point_seconds ?? 0
    expect(await lost()).toBeGreaterThan(3600)
    await until('there is another', async () => (await backupsOf(cache)).last_good!.name !== before!.name, 90_000)
    expect(await lost()).toBeLessThan(120)
  })

  it('are proven although the worker is killed in the midst of it, and nothing is left', async () => {
    const proof = await ask(cache)
    await until('the throw-away container is there', async () => (await trials()) !== '', 60_000)
    process.kill(rolePid(server.pid, 'worker'), 'SIGKILL')
    expect(await untilOver(cache, proof)).toMatchObject({ status: 'succeeded', reason: null })
    await until('nothing is left of it', async () => (await trials()) === '', 30_000)
  })

  it.each<[string, (file: string) => Promise<void>]>([
    ['has other bytes', async (file) => writeFile(file, (await readFile(file)).fill(7, 30, 34))],
    ['is cut off', (file) => truncate(file, 40)],
  ])('of which the newest %s are found, and the app is told', async (_, damage) => {
    await capture(cache)
    const kept = join(server.dataDirectory, 'dumps/kept')
    const { last_good: good } = await backupsOf(cache)
    const file = join(kept, `${good!.id}.dump`)
    expect(await readdir(kept)).toContain(`${good!.id}.dump`)
    const copy = join(server.dataDirectory, 'whole')
    await cp(file, copy)
    await damage(file)
    const { reason, status } = await untilOver(cache, await ask(cache))
    expect([status, reason]).toEqual(['failed', expect.stringMatching(/not loaded|cannot be used/)])
    expect((await backupsOf(cache)).last_disproven!.reason).toBe(reason)
    await until('the webhooks are told', async () => {
      const { body: events } = await api<object[]>(server, 'GET', `/apps/${cache.app}/webhook-events`)
      return JSON.stringify(events).includes(`${good!.name} could not be restored`)
    })
    expect(await cache.log()).toMatch(/Error L22 \(backup missing\): .*could not be restored/)
    await cp(copy, file)
    expect((await cache.paas(['backups:prove', cache.name])).code).toBe(0)
  })
})

describe('a service of one’s own without facts', () => {
  it('is backed up and restored in a proof, which says that nothing was compared', async () => {
    await memo.shell('echo remember >/data/notes')
    await capture(memo)
    const { code, stderr } = await memo.paas(['backups:prove', memo.name])
    expect([code, stderr]).toEqual([0, expect.stringContaining('and it is whole (not compared)')])
    expect((await memo.paas(['backups'])).stdout).toMatch(/memo-\S+ .*\(not compared\)/)
  })

  it('that takes no dump back says that its backups cannot be proven', async () => {
    const at = join(server.dataDirectory, 'services/memo/load')
    await run('mv', [at, `${at}.away`])
    try {
      const refused = await memo.paas(['backups:prove', memo.name])
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('needs the programs dump and load')])
      expect((await backupsOf(memo)).problem).toMatch(/Notes has no program load/)
      const { code, stderr } = await cache.paas(['backups:prove'])
      expect([code, stderr]).toEqual([0, expect.stringContaining(`the newest backup of ${cache.name}`)])
    } finally {
      await run('mv', [`${at}.away`, at])
    }
  })
})
