import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DynoState } from '../../src/engine/engine.ts'
import { newId, type SlugId } from '../../src/model/ids.ts'
import { createRollback } from '../../src/release/rollback.ts'
import { until } from '../helpers/app.ts'
import { request } from '../helpers/http.ts'
import { docker } from '../engine/support.ts'
import { Site } from './site.ts'
import { serve, type SiteApp } from './site-app.ts'
import { watchRequests } from './watch-requests.ts'

let site: Site
beforeAll(async () => {
  site = await Site.open({ PAAS_BOOT_TIMEOUT: '60', PAAS_STOP_GRACE: '2', PAAS_DRAIN_TIMEOUT: '2' })
})
afterAll(() => site?.[Symbol.asyncDispose]())

describe('a rollback', () => {
  it('brings back the code, the config and the process types', async () => {
    const app = await site.createApp('regretful')
    await app.setConfig({ COLOUR: 'red' })
    const { releaseId } = await app.deploy(`web: ${serve('one')}`)
    await app.setConfig({ COLOUR: 'blue' })
    await app.deploy(`web: ${serve('two')}\nworker: sleep 600`)
    await app.scale('worker', 1)
    await app.runs('web.1', 'worker.1')
    const target = site.store.releases.find(releaseId!)!
    createRollback(site.store, app, { target, accountId: site.owner.id })
    await site.queue.enqueue({ kind: 'converge', appId: app.id })
    await app.serves('one red')
    await app.runs('web.1')
    expect(site.store.formations.list(app.id).map(({ type }) => type)).toEqual(['web'])
    expect(site.store.configVars.get(app.id)).toEqual({ COLOUR: 'red' })
  })
})

describe('the release of a slug', () => {
  it('of another app fails as others do, is tried again when asked for again, and outlives that app', async () => {
    const maker = await site.createApp('maker')
    await maker.setConfig({ COLOUR: 'red' })
    await maker.deploy(`web: test -n "$COLOUR" || exit 9; ${serve('one')}`)
    const [slug] = site.store.slugs.list(maker.id)
    const app = await site.createApp('promoted')
    await app.release(slug!)
    await until('the release has failed', async () => app.releases.includes('v2 failed'))
    await app.setConfig({ COLOUR: 'blue' })
    await app.release(slug!)
    await app.serves('one blue')
    // What serves is on record once it has held.
    await expect.poll(() => site.store.formations.list(app.id)).toMatchObject([{ type: 'web', quantity: 1 }])
    await maker.destroy()
    await until('the other app is gone', async () => maker.record === undefined)
    await app.setConfig({ COLOUR: 'green' })
    await app.serves('one green')
    const all = ['v1 succeeded', 'v2 failed', 'v3 superseded', 'v4 succeeded', 'v5 succeeded']
    await expect.poll(() => app.releases).toEqual(all)
  })
})

describe('a config change', () => {
  it('is a release of the same code, rolled out without a failed request', async () => {
    const app = await site.createApp('coloured')
    await app.deploy(`web: ${serve('one')}`)
    const watch = watchRequests(app)
    await app.setConfig({ COLOUR: 'red' })
    await app.serves('one red')
    const { failures } = await watch.stop()
    expect(failures).toEqual([])
    await expect.poll(() => app.releases).toEqual(['v1 succeeded', 'v2 succeeded', 'v3 succeeded'])
    await app.runs('web.1')
  })

  it('that the app does not start with fails, and the old config serves on', async () => {
    const app = await site.createApp('brittle')
    await app.deploy(`web: test -z "$BREAK" || exit 9; ${serve('one')}`)
    await app.setConfig({ BREAK: 'yes' })
    await until('the release has failed', async () => app.releases.includes('v3 failed'))
    expect(site.store.releases.findIn(app.id, 'v3')?.state).toEqual({
      kind: 'failed',
      reason: 'boot failed: web.1 exited with 9',
    })
    expect((await app.get()).body).toBe('one none')
    await app.runs('web.1')
  })

  it('made several times is deployed once, by the newest', async () => {
    const app = await site.createApp('hasty')
    await app.deploy(`web: ${serve('one')}`)
    await site.stopWorker()
    for (const COLOUR of ['red', 'green', 'blue']) await app.setConfig({ COLOUR })
    await site.startWorker()
    await app.serves('one blue')
    await app.runs('web.1')
    await expect.poll(() => app.releases.slice(2)).toEqual(['v3 superseded', 'v4 superseded', 'v5 succeeded'])
    await expect.poll(() => site.logLines(app, /Starting process/)).toHaveLength(2)
  })

  it('that the app does not come up with gives way to the one that mends it, and no request fails', async () => {
    const app = await site.createApp('mended')
    await app.deploy(`web: test "$COLOUR" != bad || exec sleep 600; ${serve('one')}`)
    const watch = watchRequests(app)
    const bad = await app.setConfig({ COLOUR: 'bad', MORE: 'x' })
    await until('its dyno waits', async () => (await app.dynos()).length === 2)
    const begin = performance.now()
    await app.setConfig({ LESS: 'y' })
    const good = await app.setConfig({ COLOUR: 'good' })
    await app.serves('one good')
    // Ten seconds to come up, of the sixty of a boot.
    expect(performance.now() - begin).toBeLessThan(20_000)
    await expect.poll(() => app.releases.slice(2)).toEqual(['v3 superseded', 'v4 superseded', 'v5 succeeded'])
    expect((await watch.stop()).failures).toEqual([])
    expect(site.store.releases.find(bad.id)?.state).toEqual({ kind: 'superseded', by: good.version })
    expect(site.store.configVars.get(app.id)).toEqual({ COLOUR: 'good', MORE: 'x', LESS: 'y' })
    await expect.poll(() => site.logLines(app, /gives way/)).toHaveLength(1)
    await app.runs('web.1')
  })

  it('that gave way to one that fails has its turn again, and all the time it needs', async () => {
    const app = await site.createApp('patient')
    await app.deploy(`web: case "$COLOUR" in slow) sleep 11;; bad) exit 9;; esac; ${serve('one')}`)
    await app.setConfig({ COLOUR: 'slow' })
    await until('its dyno waits', async () => (await app.dynos()).length === 2)
    await app.setConfig({ COLOUR: 'bad' })
    await app.serves('one slow')
    await expect.poll(() => app.releases.slice(2)).toEqual(['v3 succeeded', 'v4 failed'])
    expect(site.store.configVars.get(app.id)).toEqual({ COLOUR: 'slow' })
  })

  it('before the first deploy has nothing to run and succeeds', async () => {
    const app = await site.createApp('early')
    await app.setConfig({ COLOUR: 'red' })
    await until('it succeeded', async () => app.releases.includes('v2 succeeded'))
    await app.deploy(`web: ${serve('one')}`)
    expect((await app.get()).body).toBe('one red')
  })

  it.each([
    ['boot', `web: sleep 2; exit 3`],
    ['release command', `web: ${serve('bad')}\nrelease: sleep 2; exit 4`],
    ['cancellation', `web: ${serve('bad')}\nrelease: exec sleep 600`],
  ])(
    'made while a deploy is under way that fails, by its %s, succeeds with the code that serves',
    async (how, Procfile) => {
      const app = await site.createApp(`mixed-${how.slice(0, 4)}`)
      await app.deploy(`web: ${serve('good')}`)
      const build = await app.push({ Procfile })
      await until('the release is pending', async () => app.releases.includes('v3 pending'))
      const { id } = await app.setConfig({ COLOUR: 'green' })
      if (how === 'cancellation') {
        site.store.builds.requestCancel(build.id)
        await site.queue.cancel(build.id)
      }
      expect((await app.verdict(build)).state.kind).toMatch(/failed|cancelled/)
      await app.serves('good green')
      await expect.poll(() => app.releases).toEqual(['v1 succeeded', 'v2 succeeded', 'v3 failed', 'v4 succeeded'])
      expect(app.record?.currentReleaseId).toBe(id)
    },
  )
})

describe('scaling', () => {
  it('starts and stops dynos, and the router follows', async () => {
    const app = await site.createApp('scaled')
    await app.deploy(`web: ${serve('one')}\nworker: exec sleep 1000`)
    await app.scale('web', 2)
    await app.scale('worker', 1)
    await app.runs('web.1', 'web.2', 'worker.1')
    await app.scale('worker', 0)
    await app.scale('web', 1)
    await app.runs('web.1')
    await app.scale('web', 0)
    await app.runs()
    const answer = await app.get()
    expect(answer.status).toBe(503)
    await until('the log says H14', async () => (await site.logLines(app, /code=H14/)).length === 1)
    await app.scale('web', 1)
    await app.serves('one none')
  })
})

describe('an app', () => {
  it('in maintenance answers so while its dynos run on, also over a deploy', async () => {
    const app = await site.createApp('closed')
    await app.deploy(`web: ${serve('one')}`)
    site.store.apps.update(app.id, { maintenance: true })
    await site.queue.enqueue({ kind: 'converge', appId: app.id })
    await until('it answers 503', async () => (await app.get()).status === 503)
    await app.deploy(`web: ${serve('two')}`)
    await until('the log says H80', async () => (await site.logLines(app, /code=H80/)).length > 0)
    expect((await app.get()).status).toBe(503)
    site.store.apps.update(app.id, { maintenance: false })
    await site.queue.enqueue({ kind: 'converge', appId: app.id })
    await app.serves('two none')
  })

  it('answers under its new name, and no more under the old one', async () => {
    const app = await site.createApp('maiden')
    await app.deploy(`web: ${serve('one')}`)
    site.store.apps.update(app.id, { name: 'married' })
    await site.queue.enqueue({ kind: 'converge', appId: app.id })
    await until('the old name is unknown', async () => (await app.get()).status === 404)
    const { httpPort: port, domain } = site.config
    expect((await request({ port, host: `married.${domain}` })).body).toBe('one none')
  })
})

describe('a dyno', () => {
  it('that crashes after it served is said in the log and started again by the engine', async () => {
    const app = await site.createApp('crashing')
    await app.deploy(`web: ${serve('one')}`)
    expect((await app.get()).body).toBe('one none')
    await crash(app)
    await until('the crash is in the log', async () => (await site.logLines(app, /up to crashed/)).length === 1)
    await until('it is up again', async () => (await site.logLines(app, /starting to up/)).length === 2)
    await app.serves('one none')
    const [dyno] = await app.dynos()
    expect(dyno).toMatchObject({ name: 'web.1', restarts: 1, state: { kind: 'running' } })
  })

  it('that crashes again and again is left to the engine, and the router says so', async () => {
    const app = await site.createApp('looping')
    await app.deploy(`web: test -e /tmp/once && exit 1; touch /tmp/once; ${serve('one')}`)
    await crash(app)
    await until('the router answers H10', async () => {
      await app.get()
      return (await site.logLines(app, /code=H10/)).length > 0
    })
    const [before] = await app.dynos()
    await until('the engine tried again', async () => ((await app.dynos())[0]?.restarts ?? 0) >= 4)
    const after = await until('it waits for its next start', async () =>
      (await app.dynos()).find(({ state }) => state.kind === 'restarting'),
    )
    expect(after.id).toBe(before?.id)
    expect(site.store.dynoStates.list(app.id)).toMatchObject([{ name: 'web.1', state: 'crashed', exitStatus: 1 }])
    const { since, exit, nextStart } = after.state as Extract<DynoState, { kind: 'restarting' }>
    expect(exit).toEqual({ code: 1, outOfMemory: false })
    expect(nextStart.getTime() - since.getTime()).toBe(100 * 2 ** (after.restarts - 1))
  })

  it('that somebody removed is replaced', async () => {
    const app = await site.createApp('removed')
    await app.deploy(`web: ${serve('one')}`)
    const [dyno] = await app.dynos()
    await docker('rm', '--force', dyno?.id ?? '')
    const another = await until('another one runs', async () => (await app.dynos()).find(({ id }) => id !== dyno?.id))
    expect(another.name).toBe('web.1')
    await app.serves('one none')
  })

  it('whose image somebody removed is not started, and the log says once why and what to type', async () => {
    const app = await site.createApp('imageless')
    const { commit, ...first } = await app.deploy(`web: ${serve('one')}`)
    const [dyno] = await app.dynos()
    const image = (await docker('commit', dyno?.id ?? '')).trim()
    const again = site.store.builds.claim(site.store.builds.create({ ...first, commit }).build.id)!
    const slug = { ...site.store.slugs.list(app.id)[0]!, id: newId<SlugId>(), buildId: again.id, image }
    site.store.builds.recordSlug(again.id, again.generation, slug)
    await site.queue.enqueue({ kind: 'build', appId: app.id, buildId: again.id })
    await app.verdict(again)

    await site.stopWorker()
    for (const { id } of await app.dynos()) await docker('rm', '--force', id)
    await docker('rmi', '--force', image)
    await site.startWorker()
    const told = () => site.logLines(app, /missing in Docker/)
    await until('the log says so', async () => (await told()).length > 0)
    await site.queue.enqueue({ kind: 'converge', appId: app.id })
    const build = `Build it again: git push paas ${commit.slice(0, 8)}:refs/deploy/main`
    expect((await app.get()).status).toBe(503)
    await app.setConfig({ COLOUR: 'red' })
    await until('the log says more', async () => (await told()).length > 1)
    expect(app.releases).toContain('v4 failed')
    expect(await told()).toEqual([
      `api: The image of v3 is missing in Docker, so its dynos cannot start. ${build}`,
      `api: Release v4 failed: boot failed: the image of v4 is missing in Docker. ${build}`,
    ])
    await app.deploy(`web: ${serve('two')}`)
    await app.serves('two none')
  })

  it('that ignores SIGTERM is killed after its grace', async () => {
    const app = await site.createApp('stubborn')
    await app.deploy(`web: trap "" TERM; ${serve('old').replace('exec ', '')} & while :; do sleep 1; done`)
    await app.deploy(`web: ${serve('new')}`)
    expect((await app.get()).body).toBe('new none')
    await app.runs('web.1')
    await expect.poll(() => site.logLines(app, /Process exited with status 137/)).toHaveLength(1)
  })

  it('is restarted by its name, by its type or with all others, without a failed request', async () => {
    const app = await site.createApp('restarted')
    await app.deploy(`web: ${serve('one')}\nworker: exec sleep 1000`)
    await app.scale('web', 2)
    await app.scale('worker', 1)
    const before = await app.runs('web.1', 'web.2', 'worker.1')
    const watch = watchRequests(app)
    await site.queue.enqueue({ kind: 'restart', appId: app.id, dyno: 'web.1' })
    await until('web.1 is another one', async () => !(await app.dynos()).some(({ id }) => id === idOf(before, 'web.1')))
    const after = await app.runs('web.1', 'web.2', 'worker.1')
    expect(idOf(after, 'web.2')).toBe(idOf(before, 'web.2'))
    await site.queue.enqueue({ kind: 'restart', appId: app.id, dyno: null })
    await until(
      'all are others',
      async () => {
        const now = await app.dynos()
        return now.length === 3 && !now.some(({ id }) => after.some((old) => old.id === id))
      },
      60_000,
    )
    expect((await watch.stop()).failures).toEqual([])
  })
})

describe('what an app prints', () => {
  it('is in its log once, line by line, also across a restart of the worker', async () => {
    const app = await site.createApp('talking')
    await app.deploy(`web: (n=0; while sleep 0.1; do n=$((n+1)); echo "line $n"; done) & ${serve('one')}`)
    await until('it talks', async () => (await site.logLines(app, /line 5$/)).length === 1)
    await site.stopWorker()
    await site.startWorker()
    await until('it goes on', async () => (await site.logLines(app, /line \d+$/)).length > 30)
    const lines = await site.logLines(app, /line \d+$/)
    expect(lines).toEqual(lines.map((_, index) => `web.1: line ${index + 1}`))
  })
})

describe('destroying an app', () => {
  it('takes down all it had and the build that is under way', async () => {
    const app = await site.createApp('doomed')
    await app.deploy(`web: ${serve('one')}`)
    const arrived = site.buildGate.arrived
    const build = await app.push({ Procfile: `web: ${serve('two')}`, build: 'hold' })
    await until('the build runs', async () => site.buildGate.arrived > arrived)
    site.store.apps.markDestroying(app.id)
    await site.queue.enqueue({ kind: 'converge', appId: app.id })
    await until('the record is gone', async () => app.record === undefined)
    expect(site.store.builds.find(build.id)).toBeUndefined()
    expect((await app.get()).status).toBe(404)
    const label = ['--quiet', '--filter', `label=paas.app=${app.id}`]
    expect(await docker('ps', '--all', ...label)).toBe('')
    expect(await docker('network', 'ls', ...label)).toBe('')
    expect(await site.repositories.resolve(app.id, 'refs/heads/main')).toBeUndefined()
  })
})

/** Ends the process of the app's only dyno from within. */
async function crash(app: SiteApp): Promise<void> {
  const [dyno] = await app.dynos()
  await docker('exec', dyno?.id ?? '', 'bash', '-c', 'kill 1')
}

function idOf(dynos: { id: string; name: string }[], name: string): string | undefined {
  return dynos.find((dyno) => dyno.name === name)?.id
}
