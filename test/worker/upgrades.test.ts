import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StackMove, StackUpgrade } from '../../src/model/stack-upgrade.ts'
import { askUpgrade } from '../../src/upgrades/ask.ts'
import { until } from '../helpers/app.ts'
import { Site } from './site.ts'
import { serve, type SiteApp } from './site-app.ts'

let site: Site
beforeAll(async () => {
  site = await Site.open({ PAAS_BOOT_TIMEOUT: '10', PAAS_STOP_GRACE: '1', PAAS_DRAIN_TIMEOUT: '2' })
  // Builds of a site put slugs on the plain run image; they are moved to the one of uploaded slugs.
  const update = { package: 'passwd', installed: '1', available: '2', security: true }
  site.updatesFor = (state) => (state.includes('\nPackage: python3\n') ? [] : [update])
})
afterAll(() => site?.[Symbol.asyncDispose]())

async function upgrade(...apps: SiteApp[]): Promise<StackUpgrade> {
  const asked = askUpgrade(site.store, { apps, accountId: site.owner.id })
  await site.queue.enqueue({ kind: 'upgrade' })
  return asked
}

const finished = (asked: StackUpgrade): Promise<StackUpgrade> =>
  until('the upgrade is finished', async () => {
    const now = site.store.stackUpgrades.find(asked.id)
    return now && now.state.kind !== 'running' ? now : undefined
  })

const moveOf = ({ moves }: StackUpgrade, app: SiteApp): StackMove | undefined =>
  moves.find(({ appId }) => appId === app.id)

function imageOf(app: SiteApp): string | undefined {
  const [newest] = site.store.releases.list(app.id).filter(({ state }) => state.kind === 'succeeded')
  return newest?.slugId ? site.store.slugs.find(newest.slugId)?.image : undefined
}

/** Runs as the user of the plain image, and on no other. */
const particular = `test "$(id -u)" = 1000 || exit 7; ${serve('particular')}`

describe('an upgrade of the stack', () => {
  it('moves each app by a release of the same code, and one that does not come up stays on what it was on', async () => {
    const names = ['plain', 'particular', 'resting', 'empty']
    const [plain, other, resting, empty] = await Promise.all(names.map((name) => site.createApp(name)))
    await plain!.deploy(`web: ${serve('plain')}`)
    await other!.deploy(`web: ${particular}`)
    await resting!.deploy(`web: ${serve('resting')}`)
    await resting!.scale('web', 0)
    const before = imageOf(plain!)
    const { moves, state } = await finished(await upgrade(plain!, other!, resting!, empty!))
    expect(state).toEqual({ kind: 'finished' })
    expect(moves.map((move) => move.state)).toEqual([
      { kind: 'moved' },
      { kind: 'failed', reason: 'boot failed: web.1 exited with 7' },
      { kind: 'moved' },
    ])
    expect([plain!.releases, other!.releases, resting!.releases].map((all) => all.at(-1))).toEqual([
      'v3 succeeded',
      'v3 failed',
      'v3 succeeded',
    ])
    await plain!.serves('plain none')
    await other!.serves('particular none')
    expect([imageOf(plain!) === before, imageOf(other!) === before, imageOf(resting!) === before]).toEqual([
      false,
      true,
      false,
    ])
    await resting!.runs()
    expect(await site.logLines(plain!, /Upgrade/)).toEqual(['api: Release v3 created: Upgrade stack to debian-13'])
    const again = await finished(await upgrade(plain!))
    expect([again.moves.map((move) => move.state.kind), plain!.releases.length]).toEqual([['current'], 3])
  })

  it('is gone on with by the next worker', async () => {
    const app = await site.createApp('interrupted')
    await app.deploy(`web: sleep 1; ${serve('slow')}`)
    const asked = await upgrade(app)
    await until('the release is made', async () => {
      const now = site.store.stackUpgrades.find(asked.id)
      return (now && moveOf(now, app)?.releaseId) ?? undefined
    })
    await site.stopWorker()
    expect(site.store.stackUpgrades.find(asked.id)?.state.kind).toBe('running')
    await site.startWorker()
    const { moves } = await finished(asked)
    expect(moves.map((move) => move.state.kind)).toEqual(['moved'])
    expect(app.releases).toEqual(['v1 succeeded', 'v2 succeeded', 'v3 succeeded'])
  })

  it('that overtakes a build moves its app once it is released', async () => {
    const app = await site.createApp('overtaken')
    const build = await app.push({ Procfile: `release: sleep 3\nweb: ${serve('overtaken')}` })
    await until('its slug is made', async () => site.store.builds.find(build.id)?.slugId ?? undefined)
    site.store.stackPatches.add('debian-13', '20990101T000000Z')
    const move = await until('it is moved', async () => site.store.stackUpgrades.lastMove(app.id))
    expect([move.state, app.releases]).toEqual([{ kind: 'moved' }, ['v1 succeeded', 'v2 succeeded', 'v3 succeeded']])
    await app.serves('overtaken none')
  })

  it('and a config change that is made meanwhile do not undo each other, whether the app comes up or not', async () => {
    const [plain, other] = await Promise.all(['changed', 'stubborn'].map((name) => site.createApp(name)))
    await Promise.all([
      plain!.deploy(`web: sleep 1; ${serve('changed')}`),
      other!.deploy(`web: sleep 1; ${particular}`),
    ])
    const before = [imageOf(plain!), imageOf(other!)]
    const asked = await upgrade(plain!, other!)
    await until('the releases are made', async () => (plain!.releases[2] && other!.releases[2] ? true : undefined))
    await Promise.all([plain!.setConfig({ COLOUR: 'blue' }), other!.setConfig({ COLOUR: 'red' })])
    const { moves } = await finished(asked)
    expect(moves.map((move) => move.state.kind)).toEqual(['moved', 'failed'])
    await plain!.serves('changed blue')
    await other!.serves('particular red')
    expect([imageOf(plain!) === before[0], imageOf(other!) === before[1]]).toEqual([false, true])
  })
})
