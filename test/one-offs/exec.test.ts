import { afterAll, beforeAll, expect, it } from 'vitest'
import type { OneOff } from '../../src/model/one-off.ts'
import { until } from '../helpers/app.ts'
import { Site } from '../worker/site.ts'
import type { SiteApp } from '../worker/site-app.ts'
import { Attached, outcome } from './attached.ts'

let site: Site
let app: SiteApp
beforeAll(async () => {
  site = await Site.open({ PAAS_STOP_GRACE: '2' })
  app = await site.createApp('acme')
  await app.deploy('worker: echo here > /tmp/mine; exec sleep 600')
  const { version } = await app.setConfig({ COLOUR: 'blue' })
  await app.scale('worker', 1)
  await until('the worker of the newest release runs alone', async () => {
    const dynos = await app.dynos()
    return dynos.length === 1 && dynos.every(({ release, state }) => release === version && state.kind === 'running')
  })
})
afterAll(() => site?.[Symbol.asyncDispose]())

type Ask = Partial<Pick<OneOff, 'env' | 'input' | 'timeToLive'>> & { dyno?: string }

function ask(command: string, { dyno = 'worker.1', ...options }: Ask = {}) {
  return site.store.oneOffs.create({
    appId: app.id,
    accountId: site.owner.id,
    releaseId: app.record!.currentReleaseId!,
    command,
    dyno,
    env: {},
    input: 'pipes',
    timeToLive: 600,
    size: 'basic',
    ...options,
  })
}

async function exec(command: string, options: Ask = {}): Promise<Attached & { name: string }> {
  const { oneOff, token } = ask(command, options)
  const line = `${token} paas-attach 100x30\r\n`
  return Object.assign(await Attached.open(site.config.paths.rendezvousSocket, line), { name: oneOff.name })
}

/** What runs in the dyno beside its own process. */
async function processes(pattern: string): Promise<string> {
  using client = await exec(`for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done | grep '^${pattern}'`)
  return outcome(await client.frames()).stdout
}

const noneOnRecord = () => until('none is on record', async () => site.store.oneOffs.list(app.id).length === 0)

it('a command runs beside the process of a dyno, with its files, config vars and user', async () => {
  using client = await exec('cat; cat /tmp/mine; echo $DYNO $COLOUR $HOME $(id -u) $(pwd); echo oh >&2; exit 7')
  client.say({ type: 'input', data: Buffer.from('typed\n') }, { type: 'inputEnd' })
  const frames = await client.frames()
  expect(client.name).toMatch(/^exec\.\d{4}$/)
  expect(frames[0]).toEqual({ type: 'started' })
  expect(outcome(frames)).toEqual({
    stdout: expect.stringMatching(/^typed\nhere\nworker\.1 blue \/app [1-9]\d* \/app\n$/),
    stderr: 'oh\n',
    exit: 7,
  })
  await noneOnRecord()
})

it('in a terminal, it has one of the size that the client says, which changes with it', async () => {
  const script = `stty size; trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.1; done`
  using client = (await exec(script, { input: 'terminal' })).read()
  await client.shows('ready')
  client.say({ type: 'resize', columns: 90, rows: 20 })
  expect(await client.end()).toMatch(/30 100[^]*20 90/)
})

it('what it started goes with its client, even what ignores that; the dyno stays', async () => {
  for (const [command, input] of [
    ['sleep 333 & bash -i', 'terminal'],
    ["trap '' HUP TERM; sleep 333 & echo '$'; wait", 'pipes'],
  ] as const) {
    using client = (await exec(command, { input })).read()
    await client.shows('$')
    expect(await processes('sleep 333')).toContain('sleep 333')
    client.socket.destroy()
    await noneOnRecord()
    expect(await processes('sleep 333')).toBe('')
  }
  expect(await processes('sleep 600')).toContain('sleep 600')
})

it('ends with its dyno', async () => {
  using client = await exec('echo begun; sleep 600')
  const frames = client.frames()
  await until('it runs', async () => (await processes('sleep 600')).split('\n').length > 2)
  await site.queue.enqueue({ kind: 'restart', appId: app.id, dyno: 'worker.1' })
  expect(outcome(await frames)).toMatchObject({ stdout: 'begun\n', exit: 137 })
  await noneOnRecord()
})

it('is refused with a reason in a dyno that does not run', async () => {
  using client = await exec('echo', { dyno: 'worker.2' })
  expect(await client.frames()).toEqual([{ type: 'failure', message: 'worker.2 is not running.' }])
  await noneOnRecord()
})

it('ends when its time limit is reached, and with the worker', async () => {
  using short = await exec('sleep 600', { timeToLive: 1 })
  const frames = await short.frames()
  expect(frames.at(-1)).toEqual({
    type: 'failure',
    message: expect.stringContaining('its time limit of 1 s is reached'),
  })
  using client = (await exec('echo begun; sleep 444')).read()
  await client.shows('begun')
  await site.stopWorker()
  await client.end()
  expect(site.store.oneOffs.list(app.id)).toEqual([])
  await site.startWorker()
})

it('what a killed worker left of it is ended by the next', async () => {
  await site.stopWorker()
  const [dyno] = await app.dynos()
  const { oneOff, token } = ask('sleep 555')
  site.store.oneOffs.redeem(token!)
  const spec = { session: oneOff.id, command: 'sleep 555', env: {}, terminal: undefined }
  const { output } = await site.engine.execInDyno(dyno!.id, spec, new AbortController().signal)
  await site.startWorker()
  expect(await Array.fromAsync(output)).toEqual([])
  await noneOnRecord()
})
