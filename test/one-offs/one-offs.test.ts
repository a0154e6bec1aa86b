import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Token } from '../../src/model/account.ts'
import type { AccountId } from '../../src/model/ids.ts'
import type { OneOff } from '../../src/model/one-off.ts'
import { docker, letGo } from '../engine/support.ts'
import { until } from '../helpers/app.ts'
import { Site } from '../worker/site.ts'
import type { SiteApp } from '../worker/site-app.ts'
import { Attached, outcome } from './attached.ts'

let site: Site
let app: SiteApp
beforeAll(async () => {
  site = await Site.open({ PAAS_STOP_GRACE: '2' })
  app = await site.createApp('acme')
  await app.deploy('worker: sleep 600\ngreet: echo hello')
  await app.setConfig({ COLOUR: 'blue' })
  await until('the config is released', async () => app.releases.at(-1) === 'v3 succeeded')
})
afterAll(() => site?.[Symbol.asyncDispose]())

type Ask = Partial<Pick<OneOff, 'accountId' | 'token' | 'env' | 'input' | 'timeToLive'>>

function ask(
  command: string,
  { accountId = site.owner.id, token = null, env = {}, input = 'none', timeToLive = 600 }: Ask = {},
) {
  const releaseId = app.record!.currentReleaseId!
  const size = 'basic'
  return site.store.oneOffs.create({
    appId: app.id,
    accountId,
    token,
    releaseId,
    command,
    env,
    input,
    timeToLive,
    size,
  })
}

/** Asks for one without a client. */
async function detached(command: string, options: Ask = {}): Promise<OneOff> {
  const { oneOff } = ask(command, options)
  await site.queue.enqueue({ kind: 'run', appId: app.id, oneOffId: oneOff.id })
  return oneOff
}

async function attached(command: string, options: Ask = {}, more = ''): Promise<Attached & { name: string }> {
  const { oneOff, token } = ask(command, { input: 'terminal', ...options })
  return Object.assign(await Attached.open(site.config.paths.rendezvousSocket, `${token}${more}\r\n`), {
    name: oneOff.name,
  })
}

const framed = (command: string, options: Ask = {}, size = '80x24') =>
  attached(command, options, ` paas-attach ${size}`)

/** Nothing of it is left: no container and no record. */
async function isGone({ name }: { name: string }): Promise<void> {
  await until(`${name} is gone`, async () => {
    const dynos = await app.dynos()
    return !dynos.some((dyno) => dyno.name === name) && !site.store.oneOffs.findByName(app.id, name)
  })
}

const logOf = ({ name }: { name: string }) => site.logLines(app, new RegExp(`^${name.replace('.', '\\.')}: `))

/** Bytes that its `yes` has printed; 0 while the shell before it has not begun it. */
async function printedBy(name: string): Promise<number> {
  const id = (await app.dynos()).find((dyno) => dyno.name === name)!.id
  const pid = /(\d+) +yes$/m.exec(await docker('top', id, '-o', 'pid,comm'))?.[1]
  if (pid === undefined) return 0
  return Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
}

describe('a one-off without a client', () => {
  it("runs with the release's code and config vars; its output is in the app's log, and then it is gone", async () => {
    const oneOff = await detached('echo $DYNO $COLOUR $EXTRA; exit 3', { env: { EXTRA: 'more' } })
    await isGone(oneOff)
    const { name } = oneOff
    expect(name).toMatch(/^run\.\d{4}$/)
    await expect
      .poll(() => logOf(oneOff))
      .toEqual(
        expect.arrayContaining([
          `${name}: Starting process with command \`echo $DYNO $COLOUR $EXTRA; exit 3\``,
          `${name}: ${name} blue more`,
          `${name}: Process exited with status 3`,
          expect.stringMatching(/State changed from (starting|up) to complete$/),
        ]),
      )
  })

  it('that is asked for twice runs once', async () => {
    const oneOff = await detached('echo once')
    await site.queue.enqueue({ kind: 'run', appId: app.id, oneOffId: oneOff.id })
    await isGone(oneOff)
    await expect.poll(() => logOf(oneOff)).toContain(`${oneOff.name}: once`)
    expect((await logOf(oneOff)).filter((line) => line.endsWith(': once'))).toHaveLength(1)
  })

  it('named like a process type runs the command of that type', async () => {
    const oneOff = await detached('greet ; echo and bye')
    await isGone(oneOff)
    await expect.poll(() => logOf(oneOff)).toContain(`${oneOff.name}: hello`)
  })

  it('is stopped when its time limit is reached', async () => {
    const oneOff = await detached('echo begun; sleep 600', { timeToLive: 1 })
    await isGone(oneOff)
    const reason = `${oneOff.name}: ${oneOff.name} was stopped: its time limit of 1 s is reached.`
    await expect.poll(() => logOf(oneOff)).toContain(reason)
  })

  it('is stopped by name, though it ignores SIGTERM', async () => {
    const oneOff = await detached(`trap '' TERM HUP; echo begun; while :; do sleep 1; done`)
    await expect.poll(() => logOf(oneOff)).toContain(`${oneOff.name}: begun`)
    await site.queue.enqueue({ kind: 'restart', appId: app.id, dyno: oneOff.name })
    await isGone(oneOff)
    expect((await app.dynos()).length).toBe(0)
  })

  it('outlives the worker that started it, and the next one sees it to its end', async () => {
    const oneOff = await detached('echo before; while [ ! -e /tmp/go ]; do sleep 0.1; done; echo after')
    await expect.poll(() => logOf(oneOff)).toContain(`${oneOff.name}: before`)
    const forClient = await framed('sleep 600')
    await until('a session runs', async () => (await app.dynos()).length === 2)
    await site.stopWorker()
    expect((await app.dynos()).map(({ name }) => name)).toEqual([oneOff.name])
    await site.startWorker()
    await isGone(forClient)
    await letGo((await app.dynos()).find(({ name }) => name === oneOff.name)!.id)
    await isGone(oneOff)
    await expect.poll(() => logOf(oneOff)).toContain(`${oneOff.name}: after`)
  })

  it('that nobody knows of is removed at the next start', async () => {
    const image = site.store.slugs.list(app.id)[0]!.image
    const limits = { memoryMiB: 128, cpus: 1, pids: 64 }
    const about = { appId: app.id, app: 'acme', name: 'run.1', type: 'run', release: 3, size: 'basic', limits }
    const spec = { ...about, image, command: 'sleep 600', env: {}, restart: false }
    await site.engine.runDyno(spec, new AbortController().signal)
    await site.stopWorker()
    await site.startWorker()
    await app.runs()
    expect(await app.dynos()).toEqual([])
  })

  it('whose worker died before it could start never runs twice', async () => {
    const { oneOff } = ask('echo never')
    await site.stopWorker()
    site.store.oneOffs.start(oneOff.id)
    await site.startWorker()
    await isGone(oneOff)
    expect(await logOf(oneOff)).toEqual([])
  })
})

describe("Heroku's rendezvous", () => {
  it('greets in a chunk of its own, then passes the bytes of a terminal both ways', async () => {
    using client = (
      await attached('stty size; read line; echo "got $line"', { env: { COLUMNS: '132', LINES: '43' } })
    ).read()
    await client.shows('43 132\r\n')
    expect(client.chunks[0]?.toString()).toBe('rendezvous\r\n')
    client.socket.write('something\n')
    expect(await client.end()).toContain('got something\r\n')
    await isGone(client)
  })

  it('ends the input of a process without terminal at \\x04', async () => {
    using client = (await attached('wc -c; tty', { input: 'pipes' })).read()
    await client.shows('rendezvous')
    client.socket.write('12345')
    client.socket.write('\x04')
    expect(await client.end()).toBe('rendezvous\r\n5\nnot a tty\n')
  })

  it('gives the line with the exit status in a chunk of its own', async () => {
    using client = (await attached('seq 20000; false ; echo "\uFFFF heroku-command-exit-status: $?"')).read()
    await client.end()
    expect(client.chunks.at(-1)?.toString()).toBe('\uFFFF heroku-command-exit-status: 1\r\n')
    expect(client.chunks.at(-2)?.toString()).toMatch(/20000\r\n$/)
  })

  it('hangs up on the process when the client is gone, and on one that ignores that too', async () => {
    for (const command of ['bash -i', `trap '' TERM HUP; echo '$'; while :; do sleep 1; done`]) {
      using client = (await attached(command)).read()
      await client.shows('$')
      client.socket.destroy()
      await isGone(client)
      await expect.poll(() => logOf(client)).toContain(`${client.name}: Stopping all processes with SIGTERM`)
    }
  })

  it('says why there is no process', async () => {
    using client = (await attached('echo', { env: { BIG: 'x'.repeat(200_000) } })).read()
    expect(await client.end()).toMatch(/^rendezvous\r\n.*argument list too long/)
    await isGone(client)
  })
})

describe('paas run', () => {
  it('keeps the two outputs apart and gives the exit code', async () => {
    using client = await framed('cat; echo oh >&2; exit 7', { input: 'pipes' })
    client.say({ type: 'input', data: Buffer.from('in\0put') }, { type: 'inputEnd' })
    const frames = await client.frames()
    expect(frames[0]).toEqual({ type: 'started' })
    expect(outcome(frames)).toEqual({ stdout: 'in\0put', stderr: 'oh\n', exit: 7 })
  })

  it('has a terminal of the size it says, which changes with it', async () => {
    const script = `stty size; trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.1; done`
    using client = (await framed(script, {}, '100x30')).read()
    await client.shows('ready')
    client.say({ type: 'resize', columns: 90, rows: 20 })
    expect(await client.end()).toMatch(/30 100[^]*20 90/)
  })

  it('passes Ctrl-C on to the process', async () => {
    using client = await framed(`trap 'echo interrupted; exit 5' INT; echo ready; while :; do sleep 0.1; done`)
    client.read()
    await client.shows('ready')
    client.say({ type: 'input', data: Buffer.from('\x03') })
    expect(await client.end()).toContain('interrupted')
  })

  it('passes a lot of output on whole', async () => {
    using client = await framed('head -c 20000000 /dev/zero | tr "\\0" a', { input: 'pipes' })
    const { stdout, exit } = outcome(await client.frames())
    expect([stdout.length, exit]).toEqual([20_000_000, 0])
  })
})

describe('somebody', () => {
  type Who = { accountId: AccountId; token: Token }
  const losses: [string, (who: Who) => unknown, RegExp][] = [
    [
      'who is a collaborator no more',
      (who) => site.store.collaborators.remove(app.id, who.accountId),
      /may no longer do this/,
    ],
    ['whose role is lowered', (who) => site.store.collaborators.set(app.id, who.accountId, 'view'), /role deploy/],
    ['whose account is disabled', (who) => site.store.accounts.suspend(who.accountId), /account .* was disabled/],
    ['whose token is revoked', (who) => site.store.tokens.remove(who.token.id), /token .* was revoked/],
    ['whose token got another secret', (who) => site.store.tokens.rotate(who.token.id), /token .* was revoked/],
  ]

  it.concurrent.each(losses)(
    '%s is out of a session that runs, and comes into none asked for before',
    async (how, lose, why) => {
      const email = `${how.replaceAll(' ', '-')}@example.com`
      const { id: accountId } = site.store.accounts.create({ email, admin: false })
      site.store.collaborators.set(app.id, accountId, 'deploy')
      const { token } = site.store.tokens.create({ accountId, description: 'x', scope: ['global'] })
      const asks = { accountId, token, input: 'pipes' } as const
      using client = (await framed(`trap '' HUP TERM; echo ready; while :; do sleep 1; done`, asks)).read()
      await client.shows('ready')
      const later = ask('echo $COLOUR', asks)
      lose({ accountId, token })
      expect(await client.end()).toMatch(why)
      await isGone(client)
      using again = (await Attached.open(site.config.paths.rendezvousSocket, `${later.token} paas-attach\r\n`)).read()
      expect(await again.end()).not.toContain('blue')
    },
  )
})

describe('a stranger', () => {
  const path = (): string => site.config.paths.rendezvousSocket

  it.each([
    ['without a token', 'GET / HTTP/1.1\r\n'],
    ['with a token nobody gave', `${'a'.repeat(43)}\r\n`],
    ['with a line that does not end', 'a'.repeat(300)],
    ['with a protocol that is none', `${'a'.repeat(43)} other\r\n`],
  ])('%s is told nothing', async (_, line) => {
    using client = (await Attached.open(path(), line)).read()
    expect(await client.end()).toBe('')
  })

  it('who uses a token again is refused', async () => {
    const { token } = ask('echo hi', { input: 'pipes' })
    using first = await Attached.open(path(), `${token} paas-attach\r\n`)
    using second = await Attached.open(path(), `${token} paas-attach\r\n`)
    expect(outcome(await first.frames()).stdout).toBe('hi\n')
    expect(await second.frames()).toEqual([{ type: 'failure', message: expect.stringContaining('already used') }])
  })

  it('whose frames are none loses its dyno', async () => {
    using client = await framed('sleep 600')
    client.socket.write(Buffer.from([99, 0, 0, 0, 0]))
    await isGone(client)
    using larger = await framed('sleep 600')
    larger.socket.write(Buffer.from([0, 255, 255, 255, 255]))
    await isGone(larger)
    expect(await app.dynos()).toEqual([])
  })

  it('who opens a thousand connections and says nothing keeps nobody out', async () => {
    const silent = await Promise.all(Array.from({ length: 1000 }, () => Attached.open(path(), '')))
    using client = await framed('echo in', { input: 'pipes' })
    expect(outcome(await client.frames()).stdout).toBe('in\n')
    expect(silent.filter(({ socket }) => !socket.destroyed).length).toBeLessThan(1000)
    for (const each of silent) each[Symbol.dispose]()
  })

  it('who never reads costs no memory: the process waits', async () => {
    using client = await attached('yes')
    await until('it runs', async () => (await app.dynos()).some(({ name }) => name === client.name))
    const before = process.memoryUsage().rss
    await until('it has printed', async () => (await printedBy(client.name)) > 0)
    await until('it waits', async () => (await printedBy(client.name)) === (await printedBy(client.name)))
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20)
    client.socket.destroy()
    await isGone(client)
  })
})
