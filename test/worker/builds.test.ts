import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Build } from '../../src/model/build.ts'
import { until } from '../helpers/app.ts'
import { readOutput, Site } from './site.ts'
import { serve, type SiteApp } from './site-app.ts'

let site: Site
beforeAll(async () => {
  site = await Site.open({ PAAS_BOOT_TIMEOUT: '10', PAAS_STOP_GRACE: '1', PAAS_DRAIN_TIMEOUT: '1' })
})
afterAll(() => site?.[Symbol.asyncDispose]())

/** A build that is held in its pipeline. */
async function heldBuild(app: SiteApp, text: string) {
  const arrived = site.buildGate.arrived
  const build = await app.push({ Procfile: `web: ${serve(text)}`, build: 'hold' })
  await until('the build is at the gate', async () => site.buildGate.arrived > arrived)
  return build
}

describe('builds of one app', () => {
  it('run one after the other, and a newer one supersedes one that waits', async () => {
    const app = await site.createApp('queued')
    const first = await heldBuild(app, 'first')
    const second = await app.push({ Procfile: `web: ${serve('second')}` })
    const third = await app.push({ Procfile: `web: ${serve('third')}` })
    expect((await app.verdict(second)).state).toMatchObject({ kind: 'superseded', by: third.commit })
    expect(await readOutput(site, second)).toContain(` !     Superseded by ${third.commit.slice(0, 7)}.\n`)
    expect(site.store.builds.find(first.id)?.state.kind).toBe('running')
    expect(site.store.builds.find(third.id)?.state.kind).toBe('pending')
    site.buildGate.open()
    expect((await app.verdict(first)).state.kind).toBe('succeeded')
    expect((await app.verdict(third)).state.kind).toBe('succeeded')
    expect(await readOutput(site, third)).toMatch(
      /^-----> Waiting for the earlier build of this app to end\n(.+\n)*-----> Building\n/,
    )
    await app.serves('third none')
    expect(await site.repositories.resolve(app.id, 'refs/heads/main')).toBe(third.commit)
  })
})

describe('a build', () => {
  it('of another app does not wait', async () => {
    const [slow, quick] = [await site.createApp('slow'), await site.createApp('quick')]
    const held = await heldBuild(slow, 'slow')
    await quick.deploy(`web: ${serve('quick')}`)
    expect(site.store.builds.find(held.id)?.state.kind).toBe('running')
    site.buildGate.open()
    expect((await slow.verdict(held)).state.kind).toBe('succeeded')
  })

  it('waits while as many as may compile do, and goes on when one of them has', async () => {
    const apps = await Promise.all(['busy-one', 'busy-two', 'waiting'].map((name) => site.createApp(name)))
    const [one, two, third] = apps as [SiteApp, SiteApp, SiteApp]
    const held = [await heldBuild(one, 'one'), await heldBuild(two, 'two')]
    const waiting = await third.push({ Procfile: `web: ${serve('third')}` })
    const cancelled = await one.push({ Procfile: `web: ${serve('never')}` })
    site.store.builds.requestCancel(cancelled.id)
    await site.queue.cancel(cancelled.id)
    expect(await readOutput(site, cancelled)).toContain(' !     Build cancelled.\n')
    expect(site.store.builds.find(waiting.id)?.state.kind).toBe('pending')
    site.buildGate.open()
    for (const [index, build] of held.entries()) {
      expect((await (apps[index] ?? one).verdict(build)).state.kind).toBe('succeeded')
    }
    expect((await third.verdict(waiting)).state.kind).toBe('succeeded')
    expect(await readOutput(site, waiting)).toMatch(/^-----> Waiting for 2 builds ahead\n(.+\n)*-----> Building\n/)
    const { phases, sourceBytes } = site.store.builds.report(waiting.id)!
    expect(Object.keys(phases)).toEqual(['queue', 'compile', 'release', 'boot', 'switch', 'hold'])
    expect(phases['queue']).toBeGreaterThan(0)
    expect(sourceBytes).toBe(4711)
  })

  it('stops at once when it is cancelled, by Redis or by the record alone', async () => {
    const app = await site.createApp('cancelled')
    const told = await heldBuild(app, 'told')
    site.store.builds.requestCancel(told.id)
    await site.queue.cancel(told.id)
    expect((await app.verdict(told)).state.kind).toBe('cancelled')
    expect(await readOutput(site, told)).toContain(' !     Build cancelled.\n')
    const recorded = await heldBuild(app, 'recorded')
    site.store.builds.requestCancel(recorded.id)
    expect((await app.verdict(recorded)).state.kind).toBe('cancelled')
  })

  it('that fails says why, and the next one is built', async () => {
    const app = await site.createApp('failing')
    const bad = await app.push({ Procfile: `web: ${serve('bad')}`, build: 'fail npm ci exited with 1' })
    expect((await app.verdict(bad)).state).toMatchObject({
      kind: 'failed',
      code: 'build_failed',
      reason: 'build failed: npm ci exited with 1',
    })
    expect(app.releases).toEqual(['v1 succeeded'])
    await app.deploy(`web: ${serve('good')}`)
    await app.serves('good none')
  })

  it('is taken up again by the next worker, and its readers see where it began again', async () => {
    const app = await site.createApp('resumed')
    const build = await heldBuild(app, 'resumed')
    const arrived = site.buildGate.arrived
    await site.stopWorker()
    expect(site.store.builds.find(build.id)?.state.kind).toBe('running')
    await site.startWorker()
    await until('it builds again', async () => site.buildGate.arrived > arrived)
    site.buildGate.open()
    expect((await app.verdict(build)).state.kind).toBe('succeeded')
    expect(await readOutput(site, build)).toMatch(
      /^-----> Building\n-----> The build was restarted: the server was interrupted\.\n-----> Building\n-----> Launching/,
    )
  })

  it('that was left without a verdict never comes after a newer one', async () => {
    const app = await site.createApp('overtaken')
    const old = await app.deploy(`web: ${serve('old')}`)
    // What is left of a worker that could not write the verdict, before the newer push comes.
    const left = site.store.builds.claim(site.store.builds.create(old).build.id)!
    const newer = await app.deploy(`web: ${serve('newer')}`)
    await site.stopWorker()
    await site.startWorker()
    expect((await app.verdict(left)).state).toMatchObject({ kind: 'superseded', by: newer.commit })
    expect(await readOutput(site, left)).toBe(` !     Superseded by ${newer.commit.slice(0, 7)}.\n`)
    await app.serves('newer none')
    expect(app.releases).toEqual(['v1 succeeded', 'v2 succeeded', 'v3 succeeded'])
    expect(await site.repositories.resolve(app.id, 'refs/heads/main')).toBe(newer.commit)
  })

  it('with which the worker was killed twice is given up with that reason; workers that stop give it back', async () => {
    const app = await site.createApp('deadly')
    await site.stopWorker()
    const build = await app.push({ Procfile: `web: ${serve('deadly')}`, build: 'hold' })
    for (const losses of [1, 1]) {
      // What a worker that was killed leaves; the next one stops as it should.
      if (site.store.builds.find(build.id)?.losses === 0) site.store.builds.claim(build.id)
      const arrived = site.buildGate.arrived
      await site.startWorker()
      await until('it is built again', async () => site.buildGate.arrived > arrived)
      expect(site.store.builds.find(build.id)).toMatchObject({ losses, state: { kind: 'running' } })
      await site.stopWorker()
    }
    site.store.builds.claim(build.id)
    await site.startWorker()
    expect((await app.verdict(build)).state).toMatchObject({
      kind: 'failed',
      code: 'build_lost',
      reason: `The worker was killed or crashed 2 times while it built ${build.commit.slice(0, 8)}, so it is not built again.`,
    })
  })

  it('that a lost worker left is cancelled by the next one at once, whatever it has to wait for', async () => {
    const apps = await Promise.all(['under-way', 'told-before', 'told-after'].map((name) => site.createApp(name)))
    await site.stopWorker()
    const builds = []
    for (const app of apps) builds.push(await app.push({ Procfile: `web: ${serve('x')}`, build: 'hold' }))
    const [underWay, before, after] = builds as [Build, Build, Build]
    for (const { id } of [before, after]) site.store.builds.claim(id)
    site.store.builds.requestCancel(before.id)
    const arrived = site.buildGate.arrived
    await site.startWorker()
    await until('a build is under way', async () => site.buildGate.arrived > arrived)
    expect((await apps[1]!.verdict(before)).state.kind).toBe('cancelled')
    site.store.builds.requestCancel(after.id)
    expect((await apps[2]!.verdict(after)).state.kind).toBe('cancelled')
    expect(await readOutput(site, after)).toMatch(/ !     Build cancelled\.\n$/)
    expect(site.store.builds.find(underWay.id)?.state.kind).toBe('running')
    site.buildGate.open()
    expect((await apps[0]!.verdict(underWay)).state.kind).toBe('succeeded')
  })

  it('that was interrupted again and again is given up', async () => {
    const app = await site.createApp('poison')
    await site.stopWorker()
    const build = await app.push({ Procfile: `web: ${serve('poison')}` })
    for (let attempt = 1; attempt <= 10; attempt++) site.store.builds.claim(build.id)
    await site.startWorker()
    expect((await app.verdict(build)).state).toMatchObject({ kind: 'failed', code: 'internal' })
  })

  it('that had its slug when the worker stopped is not built again', async () => {
    const app = await site.createApp('compiled')
    const slow = `release: sleep 3\nweb: ${serve('compiled')}`
    const build = await app.push({ Procfile: slow })
    await until('the release command runs', async () => (await app.dynos()).some(({ type }) => type === 'release'))
    const arrived = site.buildGate.arrived
    await site.stopWorker()
    await site.startWorker()
    expect((await app.verdict(build)).state.kind).toBe('succeeded')
    expect(site.buildGate.arrived).toBe(arrived)
    expect(app.releases).toEqual(['v1 succeeded', 'v2 succeeded'])
    await app.runs('web.1')
  })

  it('that was pushed while Redis was down is built when Redis is back', async () => {
    const app = await site.createApp('offline')
    await site.redis.stop()
    const build = await app.push({ Procfile: `web: ${serve('offline')}` })
    await site.redis.start()
    expect((await app.verdict(build)).state.kind).toBe('succeeded')
  })

  it('goes on when Redis is wiped, and its output is whole', async () => {
    const app = await site.createApp('wiped')
    const build = await heldBuild(app, 'wiped')
    await site.redis.command('FLUSHALL')
    site.buildGate.open()
    expect((await app.verdict(build)).state.kind).toBe('succeeded')
    expect(await readOutput(site, build)).toMatch(/^-----> Building\n-----> Launching/)
  })
})

describe('a worker that starts', () => {
  it('removes the dynos of a deploy that was not committed, and finishes one that was', async () => {
    const app = await site.createApp('halfway')
    await app.deploy(`web: ${serve('old')}`)
    const [old] = await app.runs('web.1')
    await site.stopWorker()
    const { store, engine } = site
    const slugId = store.releases.findIn(app.id, 'v2')?.slugId ?? null
    const release = store.releases.create({
      appId: app.id,
      slugId,
      accountId: site.owner.id,
      description: 'half done',
      config: { COLOUR: 'red' },
    })
    const image = (slugId && store.slugs.find(slugId)?.image) ?? ''
    const spec = { appId: app.id, app: app.name, name: 'web.1', type: 'web', release: 3, image, size: 'basic' }
    const limits = { memoryMiB: 128, cpus: 1, pids: 64 }
    const halfDone = { ...spec, limits, command: 'sleep 1000', env: { PORT: '5000' }, restart: true }
    await engine.runDyno(halfDone, AbortSignal.timeout(10_000))
    store.releases.setState(release.id, { kind: 'failed', reason: 'given up' })
    await site.startWorker()
    expect((await app.runs('web.1'))[0]?.id).toBe(old?.id)
    expect((await app.get()).body).toBe('old none')

    await site.stopWorker()
    await engine.runDyno({ ...halfDone, release: 1 }, AbortSignal.timeout(10_000))
    await site.startWorker()
    expect((await app.runs('web.1'))[0]?.id).toBe(old?.id)
  })
})
