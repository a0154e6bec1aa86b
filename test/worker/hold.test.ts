import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Release } from '../../src/model/release.ts'
import { createRollback } from '../../src/release/rollback.ts'
import { until } from '../helpers/app.ts'
import { readOutput, Site } from './site.ts'
import { serve, type SiteApp } from './site-app.ts'
import { watchRequests } from './watch-requests.ts'

/** What becomes of dynos that were ready and end soon after; the hold is what users have unless they set another one. */

let site: Site
beforeAll(async () => {
  site = await Site.open({ PAAS_DEPLOY_HOLD: '3', PAAS_STOP_GRACE: '1', PAAS_DRAIN_TIMEOUT: '2' })
})
afterAll(() => site?.[Symbol.asyncDispose]())

/** Serves, and exits with 1 so many milliseconds after it listens. */
function dying(text: string, milliseconds: number): string {
  const end = `$SIG{USR1} = sub { print STDERR "out of luck\\n"; exit 1 }`
  const timer = `unless (fork) { select undef, undef, undef, ${milliseconds} / 1000; kill "USR1", getppid; exit }`
  return serve(text).replace('; while ', `; ${end}; ${timer}; while `)
}

/** Dies as soon as the app has the feature that tells dynos what they are: so may anything outside change between two starts. */
const unlucky = (text: string, milliseconds: number): string =>
  `if test -z "$HEROKU_APP_ID"; then ${serve(text)}; else ${dying(text, milliseconds)}; fi`

const loseLuck = (app: SiteApp) => site.store.apps.update(app.id, { features: ['runtime-dyno-metadata'] })

const verdictOf = async (release: Release): Promise<Release['state']> =>
  until(`v${release.version} has a verdict`, async () => {
    const state = site.store.releases.find(release.id)!.state
    return state.kind !== 'pending' && state
  })

const fallen = expect.stringMatching(/^boot failed: (in the 3 s after the switch )?web\.1 exited with 1$/)

describe('a release whose web process ends', () => {
  let app: SiteApp
  beforeAll(async () => {
    app = await site.createApp('dies-later')
    await app.deploy(`web: ${serve('good')}`)
  })

  it.each([0, 20, 100, 300, 900, 2500])(
    '%i ms after it listens has failed, and the one before serves every request',
    async (milliseconds) => {
      const [before] = await app.runs('web.1')
      const watch = watchRequests(app)
      const build = await app.verdict(await app.push({ Procfile: `web: ${dying('bad', milliseconds)}` }))
      await app.serves('good none')
      expect((await app.runs('web.1'))[0]?.id).toBe(before?.id)
      expect((await watch.stop()).failures).toEqual([])
      expect(build.state).toMatchObject({ kind: 'failed', code: 'boot_failed', reason: fallen })
      expect(app.releases.at(-1)).toMatch(/failed$/)
      const output = await readOutput(site, build)
      expect(output).toMatch(/Last lines of web\.1:\n {7}out of luck\n/)
      expect(output).toMatch(/ !     v2 keeps serving\.\n$/)
    },
  )

  it('is told when nothing served before it, and nothing does afterwards', async () => {
    const first = await site.createApp('first-dies')
    const build = await first.verdict(await first.push({ Procfile: `web: ${dying('bad', 900)}` }))
    expect(build.state).toMatchObject({ code: 'boot_failed', reason: fallen })
    await until('nothing serves', async () => (await first.get()).body.includes('H81'))
    await first.runs()
    expect(site.store.formations.list(first.id)).toEqual([])
  })

  it('for want of a config var that was unset has failed, and the var is back', async () => {
    const app = await site.createApp('unset')
    site.store.configVars.update(app.id, { COLOUR: 'red' })
    await app.deploy(`web: if test -n "$COLOUR"; then ${serve('good')}; else ${dying('bad', 500)}; fi`)
    const watch = watchRequests(app)
    const state = await verdictOf(await app.setConfig({ COLOUR: null }))
    await app.serves('good red')
    expect((await watch.stop()).failures).toEqual([])
    expect(state).toMatchObject({ kind: 'failed', reason: fallen })
    expect(site.store.configVars.get(app.id)).toEqual({ COLOUR: 'red' })
  })

  it('has failed when it is a rollback too', async () => {
    const app = await site.createApp('rollback-dies')
    const { releaseId } = await app.deploy(`web: ${unlucky('one', 900)}`)
    await app.deploy(`web: ${serve('two')}`)
    loseLuck(app)
    const target = site.store.releases.find(releaseId!)!
    const rollback = createRollback(site.store, app, { target, accountId: site.owner.id })
    await site.queue.enqueue({ kind: 'converge', appId: app.id })
    expect(await verdictOf(rollback)).toMatchObject({ kind: 'failed', reason: fallen })
    await app.serves('two none')
    expect(app.record?.currentReleaseId).toBe(site.store.releases.findIn(app.id, 'v3')?.id)
  })
})

it('a release whose worker ends after the switch has failed', async () => {
  const app = await site.createApp('worker-dies')
  await app.deploy(`web: ${serve('good')}\nworker: exec sleep 1000`)
  await app.scale('worker', 1)
  const before = await app.runs('web.1', 'worker.1')
  const build = await app.verdict(await app.push({ Procfile: `web: ${serve('bad')}\nworker: sleep 2.5; exit 3` }))
  expect(build.state).toMatchObject({ reason: 'boot failed: in the 3 s after the switch worker.1 exited with 3' })
  await app.serves('good none')
  expect(new Set((await app.runs('web.1', 'worker.1')).map(({ id }) => id))).toEqual(
    new Set(before.map(({ id }) => id)),
  )
})

it('a restart whose new dyno ends leaves the old one serving, and the log says so', async () => {
  const app = await site.createApp('restart-dies')
  await app.deploy(`web: ${unlucky('good', 900)}`)
  const [before] = await app.dynos()
  loseLuck(app)
  const watch = watchRequests(app)
  await site.queue.enqueue({ kind: 'restart', appId: app.id, dyno: null })
  await until('the log says so', async () => (await site.logLines(app, /Restart failed/)).length > 0)
  expect((await app.runs('web.1'))[0]?.id).toBe(before?.id)
  expect((await watch.stop()).failures).toEqual([])
  expect(await site.logLines(app, /Restart failed/)).toEqual([
    'api: Restart failed: boot failed: in the 3 s after the switch web.1 exited with 1',
  ])
})

it('another size whose new dyno ends leaves the old one serving in its size, and the log says so', async () => {
  const app = await site.createApp('resize-dies')
  await app.deploy(`web: ${unlucky('good', 900)}`)
  const [before] = await app.dynos()
  loseLuck(app)
  const watch = watchRequests(app)
  site.store.formations.scale(app.id, [{ type: 'web', quantity: 1, size: 'standard-2x' }])
  await site.queue.enqueue({ kind: 'converge', appId: app.id })
  await until('the log says so', async () => (await site.logLines(app, /Resize failed/)).length > 0)
  expect((await app.runs('web.1'))[0]?.id).toBe(before?.id)
  expect((await watch.stop()).failures).toEqual([])
  expect(site.store.formations.list(app.id)).toMatchObject([{ type: 'web', quantity: 1, size: 'basic' }])
})
