import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Release } from '../../src/model/release.ts'
import { createSlugRelease } from '../../src/release/create.ts'
import { createRollback } from '../../src/release/rollback.ts'
import { until } from '../helpers/app.ts'
import { letGo } from '../engine/support.ts'
import { readOutput, Site } from './site.ts'
import { serve, type SiteApp } from './site-app.ts'

let site: Site
beforeAll(async () => {
  site = await Site.open({ PAAS_BOOT_TIMEOUT: '10', PAAS_STOP_GRACE: '1', PAAS_DRAIN_TIMEOUT: '1' })
})
afterAll(() => site?.[Symbol.asyncDispose]())

/** A release command that says which colour it is for, fails for `bad`, and for `slow` waits until it is let go. */
const wait = 'while test "$COLOUR" = slow -a ! -e /tmp/go; do sleep 0.1; done'
const command = `echo "paint it $COLOUR"; ${wait}; test "$COLOUR" != bad || exit 4`
const Procfile = (text: string): string => `web: ${serve(text)}\nrelease: ${command}\nworker: exec sleep 1000`

async function deployed(name: string): Promise<SiteApp> {
  const app = await site.createApp(name)
  site.store.configVars.update(app.id, { COLOUR: 'red' })
  await app.deploy(Procfile('one'))
  return app
}

async function rollBack(app: SiteApp, to: string): Promise<Release> {
  const target = site.store.releases.findIn(app.id, to)!
  const release = createRollback(site.store, app, { target, accountId: site.owner.id })
  await site.queue.enqueue({ kind: 'converge', appId: app.id })
  return release
}

const stateOf = ({ id }: Release): Release['state'] => site.store.releases.find(id)!.state
const verdict = (release: Release) =>
  until(`v${release.version} has a verdict`, async () => stateOf(release).kind !== 'pending' && stateOf(release))

const commandRuns = (app: SiteApp) =>
  until('the command runs', async () =>
    (await app.dynos()).find(({ type, state }) => type === 'release' && state.kind === 'running'),
  )

const letCommandGo = async (app: SiteApp): Promise<void> => letGo((await commandRuns(app)).id)

/** How often the command was begun. */
const runs = async (app: SiteApp): Promise<number> => (await site.logLines(app, /^release.*Starting process/)).length

describe('the release command', () => {
  it('runs for builds, config changes and rollbacks, each time with the config of that release', async () => {
    const app = await deployed('painted')
    const blue = await app.setConfig({ COLOUR: 'blue' })
    expect(await verdict(blue)).toEqual({ kind: 'succeeded' })
    expect(await readOutput(site, blue)).toBe('paint it blue\n')
    expect((await app.get()).body).toBe('one blue')
    const back = await rollBack(app, 'v2')
    expect(await verdict(back)).toEqual({ kind: 'succeeded' })
    expect(await readOutput(site, back)).toBe('paint it red\n')
    expect((await app.get()).body).toBe('one red')
    await until('its dynos are in the log', async () => (await site.logLines(app, /^release.*complete$/)).length === 3)
    await expect.poll(() => site.logLines(app, /^release\.\d{4}: paint it/)).toHaveLength(3)
    expect(new Set((await app.dynos()).map(({ type }) => type))).toEqual(new Set(['web']))
  })

  it('that fails for a config change leaves what serves, takes the change back and hinders nothing later', async () => {
    const app = await deployed('spoilt')
    const before = await app.runs('web.1')
    const bad = await app.setConfig({ COLOUR: 'bad', MORE: 'x' })
    expect(site.store.configVars.get(app.id)).toEqual({ COLOUR: 'bad', MORE: 'x' })
    expect(await verdict(bad)).toEqual({ kind: 'failed', reason: 'release command failed: it exited with 4' })
    expect(await readOutput(site, bad)).toBe('paint it bad\n')
    expect((await app.get()).body).toBe('one red')
    expect((await app.runs('web.1')).map(({ id }) => id)).toEqual(before.map(({ id }) => id))
    expect(site.store.configVars.get(app.id)).toEqual({ COLOUR: 'red' })
    await expect
      .poll(() => site.logLines(app, /^api: Release v3 failed/))
      .toEqual(['api: Release v3 failed: release command failed: it exited with 4'])
    await app.deploy(Procfile('two'))
    expect((await app.get()).body).toBe('two red')
    const green = await app.setConfig({ COLOUR: 'green' })
    expect(await verdict(green)).toEqual({ kind: 'succeeded' })
    expect((await app.get()).body).toBe('two green')
  })

  it('runs for the newest of several changes only, and nobody can roll back to one that it never ran for', async () => {
    const app = await deployed('hurried')
    const slow = await app.setConfig({ COLOUR: 'slow' })
    await commandRuns(app)
    const [bad, blue] = [await app.setConfig({ COLOUR: 'bad' }), await app.setConfig({ COLOUR: 'blue' })]
    await letCommandGo(app)
    expect(await verdict(blue)).toEqual({ kind: 'succeeded' })
    expect(await verdict(slow)).toEqual({ kind: 'succeeded' })
    expect(await verdict(bad)).toEqual({ kind: 'superseded', by: blue.version })
    await expect.poll(() => runs(app)).toBe(3)
    await expect(rollBack(app, `v${bad.version}`)).rejects.toThrow(
      `v${bad.version} of hurried never served, as v${blue.version} superseded it; it cannot be rolled back to.`,
    )
    expect(app.record?.currentReleaseId).toBe(blue.id)
    expect((await app.get()).body).toBe('one blue')
    expect(site.store.configVars.get(app.id)).toEqual({ COLOUR: 'blue' })
  })

  it('that fails for the newest of several changes lets the one before it have its turn', async () => {
    const app = await deployed('turned')
    await site.stopWorker()
    const [good, bad] = [await app.setConfig({ MORE: 'x' }), await app.setConfig({ COLOUR: 'bad' })]
    await site.startWorker()
    expect(await verdict(good)).toEqual({ kind: 'succeeded' })
    expect(stateOf(bad)).toMatchObject({ kind: 'failed' })
    expect(site.store.configVars.get(app.id)).toEqual({ COLOUR: 'red', MORE: 'x' })
  })

  it('runs for code that has failed before when somebody asks for that code again', async () => {
    const app = await deployed('retried')
    const Procfile = `web: ${serve('two')}\nrelease: test "$COLOUR" != red`
    const { releaseId, state } = await app.verdict(await app.push({ Procfile }))
    expect(state).toMatchObject({ code: 'release_command_failed' })
    await verdict(await app.setConfig({ COLOUR: 'blue' }))
    expect((await app.get()).body).toBe('one blue')
    const slug = site.store.slugs.find(site.store.releases.find(releaseId!)!.slugId!)!
    const again = createSlugRelease(site.store, app, { slug, accountId: site.owner.id })
    await site.queue.enqueue({ kind: 'converge', appId: app.id })
    expect(await verdict(again)).toEqual({ kind: 'succeeded' })
    expect((await app.get()).body).toBe('two blue')
  })

  it('holds up neither scaling nor the end of the app, and a push waits until it has ended', async () => {
    const app = await deployed('busy')
    const slow = await app.setConfig({ COLOUR: 'slow' })
    await commandRuns(app)
    await app.scale('worker', 1)
    await until('it is scaled', async () => (await app.dynos()).some(({ name }) => name === 'worker.1'))
    expect(stateOf(slow).kind).toBe('pending')
    const push = await app.push({ Procfile: Procfile('two') })
    await letCommandGo(app)
    await until('the next command runs', async () => stateOf(slow).kind === 'succeeded')
    await letCommandGo(app)
    expect((await app.verdict(push)).state.kind).toBe('succeeded')
    expect(stateOf(slow)).toEqual({ kind: 'succeeded' })
    expect((await app.get()).body).toBe('two slow')
    await app.setConfig({ MORE: 'x' })
    await commandRuns(app)
    site.store.apps.markDestroying(app.id)
    await site.queue.enqueue({ kind: 'converge', appId: app.id })
    await until('the app is gone', async () => app.record === undefined)
    expect(await app.dynos()).toEqual([])
  })
})

describe('when the worker stops', () => {
  it('in the midst of the command the next one begins it again and says so; after it, only the deploy is made', async () => {
    const app = await deployed('cut')
    const slow = await app.setConfig({ COLOUR: 'slow' })
    const kept = join(site.config.paths.builds, `${slow.id}.log`)
    await until('it has printed', async () => (await readFile(kept, 'utf8').catch(() => '')) !== '')
    await site.stopWorker()
    expect(await app.runs('web.1')).toHaveLength(1)
    expect(stateOf(slow)).toEqual({ kind: 'pending' })
    await site.startWorker()
    await letCommandGo(app)
    expect(await verdict(slow)).toEqual({ kind: 'succeeded' })
    const again = '-----> The release command was restarted: the server was interrupted.\n'
    expect(await readOutput(site, slow)).toBe(`paint it slow\n${again}paint it slow\n`)
    expect((await app.get()).body).toBe('one slow')
    await site.stopWorker()
    const bad = await app.setConfig({ COLOUR: 'bad' })
    site.store.releases.recordCommand(bad.id)
    await site.startWorker()
    expect(await verdict(bad)).toEqual({ kind: 'succeeded' })
    expect((await app.get()).body).toBe('one bad')
    await expect.poll(() => runs(app)).toBe(3)
  })
})
