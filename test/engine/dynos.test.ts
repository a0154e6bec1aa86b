import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import type { Dyno } from '../../src/engine/engine.ts'
import { asUser } from '../../src/supervisor/as-user.ts'
import { findUsers } from '../../src/supervisor/users.ts'
import { findWay } from '../../src/supervisor/way.ts'
import { docker, limits, listener, never, tar, testEngine, type TestEngine } from './support.ts'

let server: TestEngine
beforeAll(async () => {
  server = await testEngine()
})
afterEach(stopAll)
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

async function stopAll() {
  await Promise.all((await server.engine.listDynos()).map(({ id }) => server.engine.stopDyno(id, 0)))
}

/** Runs a one-off to its end; gives what it printed and how it ended. */
async function runToEnd(command: string | null, spec: Parameters<TestEngine['dyno']>[1] = {}) {
  const { id } = await server.dyno(command, { name: 'run.1', type: 'run', restart: false, ...spec })
  const exit = await server.engine.waitDyno(id, never)
  return { ...exit, id, output: await outputOf(id) }
}

async function outputOf(id: string) {
  const lines = await Array.fromAsync(server.engine.dynoOutput(id, { follow: false }, never))
  return lines.map((line) => line.text.toString()).join('\n')
}

/** Resolves once the dyno has printed the line. */
async function printed(id: string, wanted: string) {
  for await (const line of server.engine.dynoOutput(id, { follow: true }, never)) {
    if (line.text.toString() === wanted) return
  }
  throw new Error(`the dyno ended without printing ${wanted}`)
}

/** What an argv begins with for what the worker alone does, which is no root. */
function asWorker(): string[] {
  const users = findUsers()
  const { docker: engine } = loadConfig()
  if (!users || engine.kind !== 'socket') return []
  const worker = { ...users.worker, groups: [statSync(engine.path).gid] }
  return asUser(worker, findWay(import.meta.dirname), ['net_admin', 'net_raw', 'dac_read_search', 'sys_ptrace'])
}

const ask = (dyno: Dyno) => text(connect(dyno.port ?? 0, dyno.address ?? ''))

async function imageWith(...files: Parameters<typeof tar>) {
  const config = { labels: { 'paas.app': server.appId } }
  return (await server.engine.createImage({ base: server.image, files: tar(...files), path: '/app', config })).digest
}

/** Goes with the dynos that run it. */
async function imageWithVolume(path: string) {
  const container = await docker('create', server.image)
  const image = await docker('commit', '--change', `VOLUME ${path}`, container)
  await docker('rm', container)
  return {
    image,
    async [Symbol.asyncDispose]() {
      await stopAll()
      await docker('rmi', image)
    },
  }
}

describe('a dyno', () => {
  it('is described by the engine, and reached from the host at its address', async () => {
    const dyno = await server.dyno(listener('$ENV{PORT}'))
    expect(dyno).toMatchObject({
      appId: server.appId,
      name: 'web.1',
      type: 'web',
      release: 7,
      size: 'basic',
      image: server.image,
      address: expect.stringMatching(/^10\.2\d\d\.\d+\.\d+$/),
      port: 5000,
      state: { kind: 'running', since: expect.any(Date) },
      restarts: 0,
    })
    await printed(dyno.id, 'up')
    expect(await ask(dyno)).toBe('hello\n')
    expect(await server.engine.findDyno(dyno.id)).toEqual(dyno)
    expect(await server.engine.listDynos({ appId: server.appId })).toEqual([dyno])
    expect(await server.engine.listeningSockets(dyno.id)).toEqual([{ address: '0.0.0.0', port: 5000 }])
  })

  it('finds its config vars as they are, its home, and nothing of ours', async () => {
    const env = { PLAIN: 'x y', QUOTED: `'"$(id)\\`, LINES: 'a\nb' }
    const { output } = await runToEnd('pwd; whoami; printf "%s|" "$PLAIN" "$QUOTED" "$LINES"; env', { env })
    expect(output).toContain(`/app\napp\nx y|'"$(id)\\|a\nb|`)
    expect(output).toContain('\nHOME=/app\n')
    expect(output).not.toMatch(/tini|paas_/i)
  })

  it('runs its command after the scripts of .profile.d and .profile, in their environment', async () => {
    const image = await imageWith(
      [{ name: '.profile.d', type: 'directory', mode: 0o755 }],
      [{ name: '.profile.d/10-a.sh' }, 'export ORDER=a; unset_by_nobody=1'],
      [{ name: '.profile.d/20-b.sh' }, 'export ORDER=$ORDER,b\nset -u'],
      [{ name: '.profile.d/ignored.txt' }, 'export ORDER=wrong'],
      [{ name: '.profile' }, 'export ORDER=$ORDER,profile'],
    )
    expect((await runToEnd('echo "$ORDER" "$#"', { image })).output).toBe('a,b,profile 0')
  })

  it('has no capabilities and cannot become root', async () => {
    const { output } = await runToEnd('grep -E "CapBnd|NoNewPrivs" /proc/self/status; su -c id </dev/null 2>&1; id -u')
    expect(output).toContain('CapBnd:\t0000000000000000')
    expect(output).toContain('NoNewPrivs:\t1')
    expect(output.split('\n').at(-1)).toBe('1000')
  })

  it('says with which code it exited, and whether it was killed for memory', async () => {
    expect(await runToEnd('exit 3')).toMatchObject({ code: 3, outOfMemory: false })
    expect(await runToEnd('no-such-command')).toMatchObject({ code: 127, output: expect.stringContaining('not found') })
    const hog = `perl -e '$x = "a" x 300_000_000'`
    expect(await runToEnd(hog, { limits: { ...limits, memoryMiB: 64 } })).toMatchObject({
      code: 137,
      outOfMemory: true,
    })
  })

  it('holds a fork bomb, and is stopped all the same', async () => {
    const { id } = await server.dyno('exec perl -e "fork while 1"')
    const processes = async () => (await docker('top', id)).split('\n').length - 1
    await expect.poll(processes).toBeGreaterThan(limits.pids - 5)
    expect(await processes()).toBeLessThanOrEqual(limits.pids)
    await server.engine.stopDyno(id, 0)
    expect(await server.engine.findDyno(id)).toBeUndefined()
  })

  it('that has written too much to disk is found, wherever and however it did', async () => {
    await using volumes = await imageWithVolume('/tmp')
    const zeros = 'head -c 5000000 /dev/zero'
    const spec = { image: volumes.image }
    await Promise.all([
      server.dyno(`${zeros} > /app/zero; echo written; sleep 1000`, { name: 'layer.1' }),
      server.dyno(`${zeros} > /tmp/zero; echo written; sleep 1000`, { name: 'volume.1', ...spec }),
      server.dyno(`exec 3> /app/x; rm /app/x; ${zeros} >&3; echo written; sleep 1000`, { name: 'removed.1' }),
      server.dyno('touch /app/{1..300}; echo written; sleep 1000', { name: 'files.1' }),
      server.dyno('ln -s x /app/y; mkdir /app/z; echo written; sleep 1000', { name: 'little.1' }),
    ])
    for (const { id } of await server.engine.listDynos()) await printed(id, 'written')
    const written = ['layer.1', 'removed.1', 'volume.1'].map((name) => `${name} more than 4 MiB`)
    const [program, ...argv] = [...asWorker(), process.execPath, join(import.meta.dirname, 'overfull.ts')]
    const looked = execFileSync(program, [...argv, server.serverId, '4', '6'], { encoding: 'utf8' })
    const [four, six] = looked.split('\n').map((line) => (line === '' ? undefined : (JSON.parse(line) as unknown)))
    expect(four).toEqual(['files.1 more than 256 files', ...written])
    expect(six).toEqual([])
  })

  it('is not this server’s when another server runs it', async () => {
    await using other = await testEngine()
    const { id } = await other.dyno('sleep 1000')
    expect(await server.engine.findDyno(id)).toBeUndefined()
    await server.engine.stopDyno(id, 0)
    expect(await other.engine.findDyno(id)).toMatchObject({ id })
  })

  it('whose image is gone says so', async () => {
    const image = `sha256:${'0'.repeat(64)}`
    await expect(server.dyno('true', { image })).rejects.toMatchObject({ code: 'image_missing' })
  })

  it('has secrets in its environment only', async () => {
    const { id } = await server.dyno('sleep 1000', { env: { TOKEN: 'nobody-must-see-this-5210' } })
    const [info] = JSON.parse(await docker('inspect', id)) as [{ Config: { Env: string[] } }]
    info.Config.Env = []
    expect(JSON.stringify(info)).not.toContain('nobody-must-see-this')
    expect(await docker('top', id, '-ef')).not.toContain('nobody-must-see-this')
    expect(await docker('ps', '--no-trunc')).not.toContain('nobody-must-see-this')
  })
})

/** Milliseconds: longer than a test may take. */
const graceNeverOver = 600_000

describe('stopping a dyno', () => {
  it('sends SIGTERM to all its processes and waits for them, then removes it', async () => {
    const worker = `perl -e '$| = 1; $SIG{TERM} = sub { print "worker ends\\n"; sleep 1; print "worker done\\n"; exit }; print "up\\n"; sleep 100'`
    const { id } = await server.dyno(`${worker} & sh -c 'cd / && sleep 100'; echo never`)
    await printed(id, 'up')
    const lines: string[] = []
    const reading = (async () => {
      for await (const line of server.engine.dynoOutput(id, { follow: true }, never)) lines.push(line.text.toString())
    })()
    await server.engine.stopDyno(id, graceNeverOver)
    await reading
    expect(lines).toEqual(['up', 'worker ends', 'worker done'])
    expect(await server.engine.findDyno(id)).toBeUndefined()
  })

  it('kills what ignores SIGTERM after the grace time', async () => {
    const deaf = 'print "asked\\n"; select(undef, undef, undef, 0.3); print "goes on\\n"'
    const { id } = await server.dyno(
      `exec perl -e '$| = 1; $SIG{TERM} = sub { ${deaf} }; print "up\\n"; sleep while 1'`,
    )
    await printed(id, 'up')
    const reading = Array.fromAsync(server.engine.dynoOutput(id, { follow: true }, never))
    await server.engine.stopDyno(id, 2000)
    expect((await reading).map(({ text }) => text.toString())).toEqual(['up', 'asked', 'goes on'])
    expect(await server.engine.findDyno(id)).toBeUndefined()
  })

  it('that is gone, never was or is being stopped is fine', async () => {
    const { id } = await server.dyno('sleep 1000')
    await Promise.all([server.engine.stopDyno(id, 0), server.engine.stopDyno(id, 0)])
    await server.engine.stopDyno(id, 0)
    await server.engine.stopDyno('0'.repeat(64), 0)
    expect(await server.engine.findDyno(id)).toBeUndefined()
  })

  it('that crashes again and again ends its restarts', async () => {
    const { id } = await server.dyno('echo crash; exit 1')
    await expect.poll(async () => (await server.engine.findDyno(id))?.restarts).toBeGreaterThan(1)
    await server.engine.stopDyno(id, 1000)
    expect(await docker('ps', '-aq', '--no-trunc', '--filter', `id=${id}`)).toBe('')
  })
})

describe('a dyno that exits', () => {
  it('is started again by the engine, with a back-off, and shows its last exit', async () => {
    const { id } = await server.dyno('echo run; exit 5')
    await expect
      .poll(() => server.engine.findDyno(id), { interval: 20 })
      .toMatchObject({ state: { kind: 'restarting', exit: { code: 5, outOfMemory: false } }, address: undefined })
    await expect.poll(async () => (await server.engine.findDyno(id))?.restarts).toBeGreaterThan(1)
  })

  it('and is a one-off stays as it ended, until it is stopped', async () => {
    const { id } = await runToEnd('exit 6')
    expect(await server.engine.findDyno(id)).toMatchObject({ state: { kind: 'exited', exit: { code: 6 } } })
    await server.engine.stopDyno(id, 0)
    expect(await server.engine.findDyno(id)).toBeUndefined()
  })
})

it('waiting for a dyno ends with the signal', async () => {
  const { id } = await server.dyno('sleep 1000')
  await expect(server.engine.waitDyno(id, AbortSignal.timeout(100))).rejects.toMatchObject({ name: 'TimeoutError' })
})

it('a dyno aborted while it starts leaves nothing', async () => {
  const { appId, image, engine } = server
  const spec = { appId, app: 'aborted', name: 'web.1', type: 'web', release: 1, image, size: 'basic', limits }
  const starting = engine.runDyno({ ...spec, env: {}, command: 'sleep 9', restart: true }, AbortSignal.timeout(60))
  await expect(starting).rejects.toMatchObject({ name: 'TimeoutError' })
  expect(await docker('ps', '-aq', '--filter', 'name=-aborted-')).toBe('')
})

it('dynos of one app reach each other', async () => {
  const web = await server.dyno(listener('5000'))
  await printed(web.id, 'up')
  expect((await runToEnd(`cat < /dev/tcp/${web.address}/5000`)).output).toBe('hello')
})

it('an image’s own command runs with the image’s entry point', async () => {
  const Entrypoint = ['/bin/echo', 'entry']
  const image = (await server.load({ Entrypoint, Cmd: ['command'], WorkingDir: '/srv' })).digest
  const { id, output } = await runToEnd(null, { image })
  expect(output).toBe('entry command')
  expect(await docker('inspect', '--format', '{{.Config.WorkingDir}}', id)).toBe('/srv')
})

it('no image makes its command run as root, whatever it calls that user', async () => {
  const files = () =>
    tar(
      [{ name: 'users' }, 'zero:x:0:0:::\nblank\nother:x:1234:100:::\n'],
      [{ name: 'passwd', type: 'symlink', linkname: '/etc/users' }],
    )
  const command = ['sh', '-c', 'exec 2>&1; id -u; : >> /etc/hosts']
  const ran = async (user: string) => {
    const config = { labels: {}, command, user }
    const { digest } = await server.engine.createImage({ base: server.image, files: files(), path: '/etc', config })
    return (await runToEnd(null, { image: digest })).output
  }
  for (const user of ['00', 'zero', 'blank:100', 'other']) {
    const uid = user === 'other' ? 1234 : 1000
    expect(await ran(user)).toMatch(RegExp(`^${uid}\n.*hosts: Permission denied$`))
  }
  await expect(ran('0x0')).rejects.toMatchObject({ code: 'boot_failed', message: expect.stringContaining('0x0') })
})
