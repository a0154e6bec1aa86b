import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BuildSource } from '../../src/model/source.ts'
import { docker } from '../engine/support.ts'
import { until } from '../helpers/app.ts'
import { tarballOf } from '../helpers/tarball.ts'
import { HttpReceiver } from '../outbound/receiver.ts'
import { readOutput, Site } from './site.ts'
import { serve } from './site-app.ts'
import { watchRequests } from './watch-requests.ts'

let site: Site
beforeAll(async () => {
  site = await Site.open({
    PAAS_BOOT_TIMEOUT: '4',
    PAAS_STOP_GRACE: '2',
    PAAS_DRAIN_TIMEOUT: '2',
    PAAS_ALLOW_DELIVERIES: '127.0.0.1/32',
  })
})
afterAll(() => site?.[Symbol.asyncDispose]())

describe('a build', () => {
  it('is finished when its release serves, and its output tells the story', async () => {
    const app = await site.createApp('first')
    const build = await app.deploy(`web: ${serve('one')}`)
    await app.serves('one none')
    expect(app.record?.currentReleaseId).toBe(build.releaseId)
    expect(await site.repositories.resolve(app.id, 'refs/heads/main')).toBe(build.commit)
    const output = await readOutput(site, build)
    expect(output).toMatch(
      /-----> Building\n-----> Launching...\n {7}Released v2\n {7}http:\/\/first\.localhost:\d+ deployed\n/,
    )
    expect(output).toMatch(/ {7}Verifying deploy... done.\n {7}Phases: queue \d.*, compile \d/)
  })

  it('replaces the running release without one failed request', async () => {
    const app = await site.createApp('rolling')
    await app.deploy(`web: ${serve('old')}`)
    const watch = watchRequests(app)
    await app.deploy(`web: ${serve('new')}`)
    await app.runs('web.1')
    const { bodies, failures } = await watch.stop()
    expect(failures).toEqual([])
    expect([...new Set(bodies)]).toEqual(['old none', 'new none'])
  })

  it.each([
    ['exits', 'web: echo no database >&2; exit 7', /^boot failed: web\.1 exited with 7$/],
    ['never listens', 'web: exec sleep 100', /^boot failed: nothing listens on \$PORT \(5000\) after 4 s$/],
    ['listens elsewhere', `web: ${serve('x', '3000')}`, /\(5000\); the process listens on 0\.0\.0\.0:3000$/],
    ['has no such command', 'web: no-such-program', /exited with 127: command not found$/],
  ])('whose web process %s fails with the reason, and the previous release serves on', async (_, Procfile, reason) => {
    const app = await site.createApp(`bad-${Procfile.length}`)
    const good = await app.deploy(`web: ${serve('good')}`)
    const before = await app.dynos()
    const build = await app.verdict(await app.push({ Procfile }))
    expect(build.state).toMatchObject({ kind: 'failed', code: 'boot_failed', reason: expect.stringMatching(reason) })
    expect((await app.get()).body).toBe('good none')
    expect((await app.runs('web.1')).map(({ id }) => id)).toEqual(before.map(({ id }) => id))
    expect(app.releases).toEqual(['v1 succeeded', 'v2 succeeded', 'v3 failed'])
    expect(await site.repositories.resolve(app.id, 'refs/heads/main')).toBe(good.commit)
  })

  it('that never listens is an R10 in the log', async () => {
    const app = await site.createApp('bootless')
    await app.verdict(await app.push({ Procfile: 'web: exec sleep 100' }))
    await expect
      .poll(() => site.logLines(app, /R10/))
      .toEqual(['web.1: Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 4 seconds of launch'])
  })

  it('whose dyno ends later and never listens again is an R10 then, and shown as one', async () => {
    const app = await site.createApp('mute-later')
    await app.deploy(`web: test -e /tmp/once && exec sleep 600; touch /tmp/once; ${serve('one')}`)
    const [dyno] = await app.dynos()
    await docker('exec', dyno!.id, 'bash', '-c', 'kill 1')
    await until('it is on record', async () => site.store.dynoStates.find(dyno!.id)?.error === 'R10')
    expect(site.store.dynoStates.find(dyno!.id)).toMatchObject({ state: 'crashed', exitStatus: null })
    await expect.poll(() => site.logLines(app, /Error R10/)).toHaveLength(1)
  })

  it('shows the last lines of a dyno that did not come up, and what serves on', async () => {
    const app = await site.createApp('lastwords')
    await app.deploy(`web: ${serve('good')}`)
    const build = await app.verdict(await app.push({ Procfile: 'web: echo no database; exit 7' }))
    const output = await readOutput(site, build)
    expect(output).toMatch(/Last lines of web\.1:\n {7}no database\n/)
    expect(output).toMatch(/ !     boot failed: web\.1 exited with 7\n/)
    expect(output).toMatch(/ !     v2 keeps serving\.\n$/)
  })

  it('names the library that a program lacks, and where to ask for it', async () => {
    const app = await site.createApp('unloaded')
    const said = 'bin/tool: error while loading shared libraries: libevent-2.1.so.7: cannot open shared object file'
    const build = await app.verdict(await app.push({ Procfile: `web: echo "${said}" >&2; exit 127` }))
    const output = await readOutput(site, build)
    expect(output).toContain(`       ${said}\n`)
    expect(output).toMatch(/ !     libevent-2\.1\.so\.7 is not installed\. Name its Debian package in a file Aptfile/)
  })

  it('fails as a whole when a dyno of another type does not hold', async () => {
    const app = await site.createApp('types')
    await app.deploy(`web: ${serve('good')}\nworker: exec sleep 1000`)
    await app.scale('worker', 1)
    await app.runs('web.1', 'worker.1')
    const build = await app.verdict(await app.push({ Procfile: `web: ${serve('bad')}\nworker: exit 3` }))
    expect(build.state).toMatchObject({ reason: 'boot failed: worker.1 exited with 3' })
    expect((await app.get()).body).toBe('good none')
    await app.runs('web.1', 'worker.1')
  })

  it('keeps the old types running when a release that drops one fails', async () => {
    const app = await site.createApp('dropped')
    await app.deploy(`web: ${serve('good')}\nworker: exec sleep 1000`)
    await app.scale('worker', 1)
    await app.runs('web.1', 'worker.1')
    await app.verdict(await app.push({ Procfile: 'web: exit 1' }))
    await site.queue.enqueue({ kind: 'converge', appId: app.id })
    expect(await app.runs('web.1', 'worker.1')).toHaveLength(2)
    await app.deploy(`web: ${serve('alone')}`)
    await app.runs('web.1')
  })
})

describe('a release command', () => {
  it('runs before the deploy with the new config, in the output of the build', async () => {
    const app = await site.createApp('migrating')
    site.store.configVars.update(app.id, { COLOUR: 'red' })
    const build = await app.deploy(`web: ${serve('one')}\nrelease: echo migrating $COLOUR`)
    expect(await readOutput(site, build)).toMatch(/-----> Running release command...\n {7}migrating/)
    await app.runs('web.1')
  })

  it('that fails leaves the previous release serving', async () => {
    const app = await site.createApp('unmigrated')
    await app.deploy(`web: ${serve('good')}`)
    const build = await app.verdict(await app.push({ Procfile: `web: ${serve('bad')}\nrelease: echo oh; exit 4` }))
    expect(build.state).toMatchObject({
      code: 'release_command_failed',
      reason: 'release command failed: it exited with 4',
    })
    expect((await app.get()).body).toBe('good none')
    expect(await readOutput(site, build)).toContain('       oh\n')
    const told = 'api: Release v3 failed: release command failed: it exited with 4'
    await expect.poll(() => site.logLines(app, /failed/)).toEqual([told])
  })
})

it('the buildpacks of an app count for its next build, unless that is asked for with others', async () => {
  const app = await site.createApp('packed')
  site.store.buildpacks.replace(app.id, ['python', 'nodejs'])
  const build = await app.deploy('worker: exec sleep 1000')
  expect(await readOutput(site, build)).toContain('-----> Building python nodejs\n')
  const other = await app.verdict(
    await app.push({ Procfile: 'worker: exec sleep 1000', buildpacks: ['static'], appJson: {} }),
  )
  expect(await readOutput(site, other)).toContain('-----> Building static\n')
})

describe('a tarball', () => {
  it('is deployed like a push, under the name its author gives it, and moves no ref', async () => {
    const app = await site.createApp('tarball')
    const pushed = await app.deploy(`web: ${serve('pushed')}`)
    const bytes = await tarballOf({ 'acme-1/Procfile': `web: ${serve('sent')}` })
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const build = await app.verdict(await app.buildTarball(bytes, { version: 'v1.2', sha256 }))
    expect(build.state.kind).toBe('succeeded')
    expect((await app.get()).body).toBe('sent none')
    expect(site.store.releases.list(app.id)[0]?.description).toBe('Deploy v1.2')
    expect(await site.repositories.resolve(app.id, 'refs/heads/main')).toBe(pushed.commit)
    expect(await readOutput(site, build)).toMatch(/^-----> Unpacking the source\n-----> Building\n/)
  })

  it('is fetched from where it is, unless that is no public place', async () => {
    const app = await site.createApp('fetched')
    await using server = await HttpReceiver.start()
    const bytes = await tarballOf({ Procfile: `web: ${serve('fetched')}` })
    server.answer = (response) => response.end(bytes)
    const from = { kind: 'url', url: `http://127.0.0.1:${server.port}/acme.tgz?token=x` } as const
    expect((await app.verdict(await app.buildTarball(bytes, { from }))).state.kind).toBe('succeeded')
    expect((await app.get()).body).toBe('fetched none')
    const inside = { kind: 'url', url: 'http://169.254.169.254/acme.tgz' } as const
    const refused = await app.verdict(await app.buildTarball(bytes, { from: inside }))
    expect(refused.state).toMatchObject({ code: 'address_forbidden' })
  })

  it.each<[string, () => Promise<Buffer>, Partial<BuildSource>, object]>([
    [
      'another checksum',
      () => tarballOf({ Procfile: 'web: x' }),
      { sha256: 'a'.repeat(64) },
      { code: 'checksum_wrong', reason: expect.stringMatching(/has the checksum SHA256:[0-9a-f]{64}, not SHA256:aaa/) },
    ],
    [
      'a path out of it',
      () => tarballOf({ '../Procfile': 'web: x' }),
      {},
      { code: 'source_invalid', reason: expect.stringContaining('"../Procfile" leads outside of it') },
    ],
  ])('with %s is a build that failed, and what served serves on', async (_, bytes, asked, state) => {
    const app = await site.createApp(`refused-${Object.keys(asked).length}`)
    await app.deploy(`web: ${serve('good')}`)
    expect((await app.verdict(await app.buildTarball(await bytes(), asked))).state).toMatchObject(state)
    expect((await app.get()).body).toBe('good none')
  })
})

describe('app.json', () => {
  it('sets the formation and the missing config vars of the first deploy, and nothing later', async () => {
    const app = await site.createApp('described')
    site.store.configVars.update(app.id, { KEPT: 'mine' })
    const appJson = {
      env: { COLOUR: 'red', KEPT: 'theirs', SECRET: { generator: 'secret' }, KEY: { description: 'ask us' } },
      formation: { web: { quantity: 2, size: 'free' }, worker: { quantity: 1, size: 'Standard-1X' } },
      healthcheck: '/up',
    }
    const Procfile = `web: ${serve('one')}\nworker: exec sleep 1000`
    const build = await app.verdict(await app.push({ Procfile, appJson }))
    expect(build.state.kind).toBe('succeeded')
    await app.runs('web.1', 'web.2', 'worker.1')
    expect(site.store.formations.list(app.id)).toMatchObject([{ size: 'basic' }, { size: 'standard-1x' }])
    const secret = expect.stringMatching(/^[0-9a-f]{64}$/)
    expect(site.store.configVars.get(app.id)).toEqual({ COLOUR: 'red', KEPT: 'mine', SECRET: secret })
    expect((await app.get()).body).toBe('one red')
    const output = await readOutput(site, build)
    expect(output).toContain('-----> Setting the config vars of app.json: COLOUR, SECRET\n')
    expect(output).toContain(' !     app.json requires config vars that are not set: KEY\n')
    expect(output).toContain(
      ' !     app.json: there is no dyno size "free", so web gets basic. Available: eco, basic, standard-1x, ',
    )
    site.store.configVars.update(app.id, { COLOUR: null })
    await app.scale('web', 1)
    const later = await app.verdict(await app.push({ Procfile: `web: ${serve('two')}`, appJson }))
    expect(await readOutput(site, later)).not.toContain('dyno size')
    expect(site.store.configVars.get(app.id)).toEqual({ KEPT: 'mine', SECRET: secret })
    await app.runs('web.1')
  })

  it('gives nobody more dynos than they may have', async () => {
    const app = await site.createApp('greedy')
    const { accountUsage } = site.store
    accountUsage.give(site.owner.id, { dynos: accountUsage.used(site.owner.id).dynos + 1 })
    const files = { Procfile: `web: ${serve('one')}`, appJson: { formation: { web: { quantity: 2 } } } }
    const build = await app.verdict(await app.push(files))
    accountUsage.give(site.owner.id, {})
    expect(build.state).toMatchObject({ code: 'account_limit', reason: expect.stringContaining('the limit is') })
    expect(await app.dynos()).toEqual([])
  })

  it('names a path that has to answer before the dyno gets requests', async () => {
    const app = await site.createApp('unwell')
    await app.deploy(`web: ${serve('good')}`)
    const Procfile = `web: ${serve('bad').replace('200 OK', '503 Unwell')}`
    const build = await app.verdict(await app.push({ Procfile, appJson: { healthcheck: '/up' } }))
    expect(build.state).toMatchObject({
      code: 'boot_failed',
      reason: 'boot failed: web.1 is not healthy after 4 s: GET /up: it answers 503',
    })
    expect((await app.get()).body).toBe('good none')
  })
})

describe('a detached build', () => {
  it('that fails moves the ref back to what serves', async () => {
    const app = await site.createApp('detached')
    const good = await app.deploy(`web: ${serve('good')}`)
    const bad = await app.push({ Procfile: 'web: exit 1', build: 'fail npm ci exited with 1', detached: true })
    expect((await app.verdict(bad)).state).toMatchObject({ reason: 'build failed: npm ci exited with 1' })
    expect(await site.repositories.resolve(app.id, 'refs/heads/main')).toBe(good.commit)
  })
})
