import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AppSetup, AppSetupState } from '../../src/model/app-setup.ts'
import { noCommit, sourcePath } from '../../src/model/source.ts'
import { until } from '../helpers/app.ts'
import { tarballOf } from '../helpers/tarball.ts'
import { Site } from './site.ts'

const settings = { PAAS_STOP_GRACE: '1' }
let site: Site
beforeAll(async () => {
  site = await Site.open(settings)
})
afterAll(() => site?.[Symbol.asyncDispose]())

type Asked = { appJson?: unknown; env?: Record<string, string>; Procfile?: string }

/** As the API records it. The app has a process that needs nothing, and none of it runs at first. */
async function setUp(name: string, { appJson, env = {}, Procfile = 'clock: sleep 1000' }: Asked): Promise<AppSetup> {
  const { store, owner, queue, config } = site
  const source = store.sources.create(owner.id, new Date(Date.now() + 60_000))
  const manifest = appJson === undefined ? {} : { 'app.json': JSON.stringify(appJson) }
  await writeFile(sourcePath(config.paths.sources, source.id), await tarballOf({ Procfile, ...manifest }))
  const from = { kind: 'upload', id: source.id } as const
  const setup = store.transaction(() => {
    const { id: appId } = store.apps.create({ name, ownerId: owner.id, stack: 'debian-13' })
    store.configVars.update(appId, env)
    const place = { appId, accountId: owner.id, commit: noCommit, ref: null, previousCommit: null }
    const tarball = { from, version: null, description: null, sha256: null }
    const { build } = store.builds.create({ ...place, noCache: false, detached: false, tarball })
    return store.appSetups.create({ appId, accountId: owner.id, buildId: build.id })
  })
  await queue.enqueue({ kind: 'build', appId: setup.appId, buildId: setup.buildId })
  return setup
}

const stateOf = ({ id }: AppSetup): AppSetupState => site.store.appSetups.find(id)!.state

/** What the set-up came to. */
async function end(setup: AppSetup): Promise<AppSetupState> {
  return until(
    'the set-up is over',
    async () => {
      const state = stateOf(setup)
      return (state.kind === 'succeeded' || state.kind === 'failed') && state
    },
    60_000,
  )
}

const running = (setup: AppSetup) =>
  until('the postdeploy command runs', async () => {
    const dynos = await site.engine.listDynos({ appId: setup.appId })
    return stateOf(setup).kind === 'postdeploy' && dynos.some(({ type }) => type === 'run')
  })

const leavesNoDyno = (setup: AppSetup) =>
  until('no dyno is left', async () => (await site.engine.listDynos({ appId: setup.appId })).length === 0)

describe('a set-up', () => {
  it('sets the config vars, buildpacks and formation of app.json, and runs its postdeploy command with them', async () => {
    const env = { PLAIN: 'plain text', GIVEN: { description: 'yours' }, KEY: { generator: 'secret' }, OVER: 'its own' }
    const setup = await setUp('whole', {
      env: { GIVEN: 'by hand', OVER: 'given one' },
      appJson: {
        env,
        buildpacks: [{ url: 'heroku/nodejs' }],
        formation: { clock: { quantity: 1 } },
        scripts: { postdeploy: 'echo "${#KEY} letters in $DYNO"; echo "the key: $KEY"' },
      },
    })
    const state = await end(setup)
    expect(state).toEqual({ kind: 'succeeded', postdeploy: { exitCode: 0, output: expect.any(String) } })
    const { KEY = '', ...vars } = site.store.configVars.get(setup.appId)
    expect(vars).toEqual({ PLAIN: 'plain text', GIVEN: 'by hand', OVER: 'given one' })
    expect(JSON.stringify(state)).toMatch(/64 letters in run\.\d{4}\\nthe key: /)
    expect(JSON.stringify(state)).not.toContain(KEY)
    expect(site.store.buildpacks.list(setup.appId)).toEqual(['nodejs'])
    expect(site.store.formations.list(setup.appId)).toMatchObject([{ type: 'clock', quantity: 1 }])
  })

  it('makes the add-ons of app.json before it builds, as far as there are services for them', async () => {
    const addons = ['memcached', 'mailgun:starter', { plan: 'memcached:gone', as: 'SESSIONS' }]
    const setup = await setUp('stored', { appJson: { addons, scripts: { postdeploy: 'echo "$MEMCACHED_URL"' } } })
    await until('they are there', async () => site.store.addons.list(setup.appId).length === 2, 120_000)
    expect(await end(setup)).toMatchObject({ kind: 'succeeded', postdeploy: { exitCode: 0 } })
    const made = site.store.addons.list(setup.appId)
    expect(made.map(({ service, plan, state }) => [service, plan, state.kind])).toEqual([
      ['memcached', 'dev', 'provisioned'],
      ['memcached', 'dev', 'provisioned'],
    ])
    const vars = Object.keys(site.store.configVars.get(setup.appId))
    expect(vars).toEqual(['MEMCACHED_SERVERS', 'MEMCACHED_URL', 'SESSIONS_SERVERS', 'SESSIONS_URL'])
    const releases = site.store.releases.list(setup.appId).map(({ description }) => description)
    expect(releases[0]).toMatch(/^Deploy /)
  })

  it('needs no app.json', async () => {
    expect(await end(await setUp('plain', {}))).toEqual({ kind: 'succeeded', postdeploy: null })
  })

  it('names everything of app.json that it cannot have, and builds nothing', async () => {
    const arrived = site.buildGate.arrived
    const buildpacks = [{ url: 'heroku/cobol' }, { url: 'https://10.0.0.1/pack.git' }]
    const env = { A: { description: 'a' }, B: { required: true }, C: { required: false }, D: {} }
    const setup = await setUp('unmet', { env: { D: 'x' }, appJson: { env, buildpacks } })
    expect(await end(setup)).toEqual({
      kind: 'failed',
      reason: 'invalid app.json',
      manifestErrors: [
        'config var A is required',
        'config var B is required',
        'There is no buildpack "heroku/cobol" on this server.',
        expect.stringMatching(/10\.0\.0\.1 .*not on the public internet/),
      ],
      postdeploy: null,
    })
    expect(site.buildGate.arrived).toBe(arrived)
    await until('the build fails', async () => site.store.builds.find(setup.buildId)?.state.kind === 'failed')
    expect(site.store.apps.find('unmet')).toBeDefined()
  })

  it('fails with an app.json that is none', async () => {
    const reason = expect.stringMatching(/^app\.json: env is 5; it must be an object/)
    expect(await end(await setUp('broken', { appJson: { env: 5 } }))).toMatchObject({ manifestErrors: [reason] })
  })

  it('fails with its postdeploy command, and what it printed is kept; the app serves on', async () => {
    const setup = await setUp('unseeded', { appJson: { scripts: { postdeploy: 'echo no table; exit 7' } } })
    expect(await end(setup)).toEqual({
      kind: 'failed',
      reason: 'postdeploy command failed: it exited with 7',
      manifestErrors: [],
      postdeploy: { exitCode: 7, output: 'no table\n' },
    })
    expect(site.store.apps.find('unseeded')?.currentReleaseId).not.toBeNull()
  })

  it('ends with its app, and so does its postdeploy command', async () => {
    const setup = await setUp('destroyed', { appJson: { scripts: { postdeploy: 'exec sleep 1000' } } })
    await running(setup)
    site.store.apps.markDestroying(setup.appId)
    await site.queue.enqueue({ kind: 'converge', appId: setup.appId })
    await leavesNoDyno(setup)
    await until('the set-up is gone', async () => site.store.appSetups.find(setup.id) === undefined)
  })
})

describe('when the worker stops', () => {
  it('a set-up that was not built yet is taken up by the next one', async () => {
    await site.stopWorker()
    const setup = await setUp('resumed', { appJson: { scripts: { postdeploy: 'echo seeded' } } })
    await site.startWorker()
    expect(await end(setup)).toMatchObject({ kind: 'succeeded', postdeploy: { output: 'seeded\n' } })
  })

  it('a set-up whose build has just ended goes on to its postdeploy command', async () => {
    const setup = await setUp('between', { appJson: { scripts: { postdeploy: 'echo seeded' } } })
    await end(setup)
    await site.stopWorker()
    site.store.appSetups.setState(setup.id, { kind: 'building' })
    await site.startWorker()
    expect(await end(setup)).toMatchObject({ kind: 'succeeded', postdeploy: { output: 'seeded\n' } })
  })

  it('a postdeploy command that ran is not run again: the set-up fails and says why', async () => {
    const setup = await setUp('halfway', { appJson: { scripts: { postdeploy: 'echo seeding; exec sleep 1000' } } })
    await running(setup)
    await site.stopWorker()
    expect(stateOf(setup).kind).toBe('postdeploy')
    await site.startWorker()
    const reason = 'The server was restarted while the postdeploy command ran.'
    expect(await end(setup)).toMatchObject({ kind: 'failed', reason })
    await leavesNoDyno(setup)
  })
})

describe('where a command may take 6 s', () => {
  beforeAll(async () => {
    await site[Symbol.asyncDispose]()
    site = await Site.open({ ...settings, PAAS_BUILD_TIMEOUT: '6' })
  })

  it('a postdeploy command that never ends is stopped', async () => {
    const setup = await setUp('endless', { appJson: { scripts: { postdeploy: 'exec sleep 1000' } } })
    const reason = 'postdeploy command failed: it ran longer than 6 s'
    expect(await end(setup)).toMatchObject({ kind: 'failed', reason, postdeploy: { exitCode: 137 } })
    await leavesNoDyno(setup)
  })
})
