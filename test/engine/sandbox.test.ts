import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Sandbox } from '../../src/engine/engine.ts'
import { newId, type AppId } from '../../src/model/ids.ts'
import { docker, limits, never, shell, tar, testEngine, type TestEngine } from './support.ts'

let server: TestEngine
beforeAll(async () => {
  server = await testEngine()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

describe('a command in a sandbox', () => {
  it('gives its output by stream, and its exit code', async () => {
    await using sandbox = await server.sandbox()
    const chunks: [string, string][] = []
    const exit = await sandbox.exec(
      { argv: ['bash', '-c', 'echo out; sleep 0.1; echo err >&2; sleep 0.1; printf "\\0\\xff"; exit 3'] },
      (chunk, stream) => chunks.push([stream, chunk.toString('latin1')]),
      never,
    )
    expect(exit).toEqual({ code: 3, outOfMemory: false })
    expect(chunks).toEqual([
      ['stdout', 'out\n'],
      ['stderr', 'err\n'],
      ['stdout', '\0\xff'],
    ])
  })

  it('has the environment, user and directory it is given, and arguments as they are', async () => {
    await using sandbox = await server.sandbox({ env: { A: 'of the sandbox', B: 'b' } })
    const argv = ['bash', '-c', 'echo "$A|$B|$PWD|$(id -u)|$1"', 'name', '$(touch /tmp/x) "\'']
    const output: Buffer[] = []
    const options = { argv, env: { A: 'of the command' }, user: '1234:1234', workingDirectory: '/tmp' }
    await sandbox.exec(options, (chunk) => output.push(chunk), never)
    expect(Buffer.concat(output).toString()).toBe('of the command|b|/tmp|1234|$(touch /tmp/x) "\'\n')
  })

  it('that is not there ends with 127 or 126', async () => {
    await using sandbox = await server.sandbox()
    const { code } = await sandbox.exec({ argv: ['/no/such/program'] }, () => undefined, never)
    expect([126, 127]).toContain(code)
  })

  it('is over when its process is, whatever it leaves in the background', async () => {
    await using sandbox = await server.sandbox()
    const { output } = await shell(sandbox, 'sleep 1000 & echo started')
    expect(output).toBe('started')
  })

  it('is not over while its process runs with its output closed', async () => {
    await using sandbox = await server.sandbox()
    const { code } = await shell(sandbox, 'exec >&- 2>&-; sleep 0.5; exit 4')
    expect(code).toBe(4)
  })

  it('that the kernel killed for memory says so, the next one does not', async () => {
    await using sandbox = await server.sandbox({ limits: { ...limits, memoryMiB: 64 } })
    expect(await shell(sandbox, `perl -e '$x = "a" x 200_000_000'`)).toMatchObject({ code: 137, outOfMemory: true })
    expect(await shell(sandbox, 'exit 1')).toMatchObject({ code: 1, outOfMemory: false })
  })

  it('sees zombies of others reaped', async () => {
    await using sandbox = await server.sandbox()
    const { output: pid } = await shell(sandbox, '(sleep 0.1 & echo $!)')
    await expect.poll(async () => (await shell(sandbox, `test -e /proc/${pid}`)).code).toBe(1)
    const { output } = await shell(sandbox, 'grep -l "State:.Z" /proc/[0-9]*/status | wc -l')
    expect(output).toBe('0')
  })
})

describe('an abort', () => {
  it('of a command kills and removes the sandbox, and rejects with the reason', async () => {
    await using sandbox = await server.sandbox()
    const abort = new AbortController()
    const running = sandbox.exec(
      { argv: ['sh', '-c', 'echo up; sleep 1000'] },
      () => abort.abort('cancelled'),
      abort.signal,
    )
    await expect(running).rejects.toBe('cancelled')
    await expect(docker('inspect', sandbox.id)).rejects.toThrow('No such')
  })

  it('between commands removes the sandbox too', async () => {
    const abort = new AbortController()
    await using sandbox = await server.sandbox({}, abort.signal)
    abort.abort()
    await expect(sandbox.exec({ argv: ['true'] }, () => undefined, never)).rejects.toThrow('aborted')
    await expect.poll(() => docker('ps', '-aq', '--filter', `id=${sandbox.id}`)).toBe('')
  })

  it.each([20, 120])('%i ms after a sandbox was asked for leaves nothing behind', async (delay) => {
    const name = `aborted-${delay}`
    await expect(server.sandbox({ name }, AbortSignal.timeout(delay))).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(await docker('ps', '-aq', '--filter', `name=${name}`)).toBe('')
  })
})

describe('a sandbox', () => {
  it('has no capabilities, no way to get any, a system call filter and no core dumps', async () => {
    await using sandbox = await server.sandbox()
    const { output } = await shell(sandbox, 'grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status; ulimit -c; id -u')
    const none = '0000000000000000'
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(output).toContain(`${set}:\t${none}`)
    expect(output).toContain('NoNewPrivs:\t1')
    expect(output).toContain('Seccomp:\t2')
    expect(output).toMatch(/\n0\n1000$/)
  })

  it('has its limits of memory without swap, of CPU and of processes', async () => {
    await using sandbox = await server.sandbox()
    const format =
      '{{json .HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}'
    expect(await docker('inspect', '--format', format, sandbox.id)).toBe('134217728 134217728 1000000000 64')
  })

  it('holds a fork bomb, and is still removed promptly', async () => {
    await using sandbox = await server.sandbox()
    const abort = new AbortController()
    const bomb = sandbox.exec({ argv: ['perl', '-e', 'fork while 1'] }, () => undefined, abort.signal)
    const processes = async () => (await docker('top', sandbox.id)).split('\n').length - 1
    await expect.poll(processes).toBeGreaterThan(limits.pids - 5)
    expect(await processes()).toBeLessThanOrEqual(limits.pids)
    abort.abort('enough')
    await expect(bomb).rejects.toBe('enough')
  })

  it('is stopped when it wrote more than its share, its cache included, or more files', async () => {
    const share = { limits: { ...limits, diskMiB: 50 } }
    await using large = await server.sandbox({ ...share, cacheAt: '/cache' })
    await using many = await server.sandbox({ ...share, appId: newId<AppId>() })
    const script = 'dd if=/dev/zero of=/app/a bs=1M count=30; dd if=/dev/zero of=/cache/b bs=1M count=30; sleep 100'
    const [bytes, files] = [shell(large, script), shell(many, 'touch /tmp/{1..3200}; sleep 100')]
    await Promise.all([
      expect(bytes).rejects.toMatchObject({ code: 'build_failed', message: /more than 50 MiB/ }),
      expect(files).rejects.toMatchObject({ code: 'build_failed', message: /more than 3200 files/ }),
    ])
  })

  it('takes files, with their owners and modes', async () => {
    await using sandbox = await server.sandbox()
    await sandbox.put('/app', tar([{ name: 'bin/run', mode: 0o750, uid: 1000, gid: 1000 }, 'text']))
    expect((await shell(sandbox, 'stat -c "%U %G %a" /app/bin/run; cat /app/bin/run')).output).toBe('app app 750\ntext')
  })

  it('keeps its cache for the next one of the app, owned by its user', async () => {
    {
      await using first = await server.sandbox({ cacheAt: '/var/cache/build' })
      expect((await shell(first, 'stat -c %U /var/cache/build; echo kept > /var/cache/build/file')).output).toBe('app')
    }
    await using second = await server.sandbox({ cacheAt: '/var/cache/build' })
    expect((await shell(second, 'cat /var/cache/build/file; chmod 0 /var/cache/build')).output).toBe('kept')
    await using third = await server.sandbox({ cacheAt: '/var/cache/build' })
    expect((await shell(third, 'cat /var/cache/build/file')).output).toBe('kept')
  })

  it('cannot be made of an image that is not there, and leaves nothing', async () => {
    const image = `sha256:${'0'.repeat(64)}`
    await expect(server.sandbox({ image, name: 'imageless' })).rejects.toThrow(/no such image/i)
    const own = ['--filter', `label=paas.server=${server.serverId}`]
    expect(await docker('ps', '-aq', '--filter', 'name=imageless', ...own)).toBe('')
  })

  it('of the server itself can change packages; one of an app cannot', async () => {
    const script = 'touch /usr/bin/new && chown app /usr/bin/new && chroot / true && echo done'
    await using own = await server.sandbox({ appId: undefined, user: 'root', trusted: true })
    expect((await shell(own, script)).output).toBe('done')
    await using tenant = await server.sandbox()
    expect((await shell(tenant, script)).output).toContain('Permission denied')
  })
})

describe('a sandbox that waits', () => {
  it('becomes the command it is given, with its files, environment and arguments', async () => {
    await using sandbox = await server.sandbox({ env: { A: 'of the sandbox', B: 'b' }, workingDirectory: '/app' })
    expect(sandbox.waits).toBe(true)
    const script =
      'echo "$A|$B|$PWD|$1"; cat bin/run two; stat -c "%U %a" bin/run; read -r line || echo no input >&2; exit 3'
    const argv = ['bash', '-c', script, 'name', '$(touch /tmp/x) "\'\n']
    const files = [tar([{ name: 'app/bin/run', mode: 0o755, uid: 7 }, 'one\n']), tar([{ name: 'app/two' }, 'two\n'])]
    const { exit, stdout, stderr } = await order(sandbox, { argv, env: { A: 'of=it' }, files: joined(files) })
    expect(exit).toEqual({ code: 3, outOfMemory: false })
    expect(stdout).toBe('of=it|b|/app|$(touch /tmp/x) "\'\n\none\ntwo\napp 755\n')
    expect(stderr).toBe('no input\n')
    expect(sandbox.waits).toBe(false)
  })

  it('gives megabytes of output whole, as fast as they are taken and no faster', async () => {
    await using sandbox = await server.sandbox()
    let most = 0
    let taking = 0
    let bytes = 0
    const argv = ['bash', '-c', 'head -c 20000000 /dev/zero']
    const slowly = async (chunk: Buffer) => {
      most = Math.max(most, ++taking)
      await nextTurn()
      bytes += chunk.length
      taking -= 1
    }
    await sandbox.run({ argv, env: {}, files: tar() }, slowly, never)
    expect({ bytes, most }).toEqual({ bytes: 20_000_000, most: 1 })
  })

  it('that the kernel kills for memory says so', async () => {
    await using sandbox = await server.sandbox({ limits: { ...limits, memoryMiB: 64 } })
    const argv = ['bash', '-c', `perl -e '$x = "a" x 200_000_000'; exit 1`]
    const { exit } = await order(sandbox, { argv, env: {}, files: tar() })
    expect(exit).toEqual({ code: 1, outOfMemory: true })
  })

  it('does what it is given to do meanwhile, of which its output says nothing', async () => {
    const work = 'if read -r line; then exit; fi; echo heard; echo not heard >&2; mkfifo /tmp/met; echo met >/tmp/met'
    await using sandbox = await server.sandbox({ meanwhile: ['bash', '-c', work] })
    const argv = ['bash', '-c', 'until [[ -p /tmp/met ]]; do sleep 0.01; done; cat /tmp/met']
    const { exit, stdout, stderr } = await order(sandbox, { argv, env: {}, files: tar() })
    expect({ ...exit, stdout, stderr }).toMatchObject({ code: 0, stdout: 'met\n', stderr: '' })
  })

  it('takes what it left in the background with it', async () => {
    await using sandbox = await server.sandbox()
    const { exit, stdout } = await order(sandbox, {
      argv: ['bash', '-c', 'sleep 1000 & echo done'],
      env: {},
      files: tar(),
    })
    expect({ ...exit, stdout }).toMatchObject({ code: 0, stdout: 'done\n' })
  })

  it('does nothing with files that come in part, and says why they did', async () => {
    await using sandbox = await server.sandbox()
    const files = Readable.from(
      (async function* () {
        yield Buffer.alloc(512, 'x')
        throw new Error('the disk is gone')
      })(),
    )
    const running = sandbox.run({ argv: ['touch', '/app/done'], env: {}, files }, () => undefined, never)
    await expect(running).rejects.toThrow('the disk is gone')
  })

  it('is killed by an abort', async () => {
    const abort = new AbortController()
    await using sandbox = await server.sandbox()
    const argv = ['bash', '-c', 'echo up; sleep 1000']
    const running = sandbox.run({ argv, env: {}, files: tar() }, () => abort.abort('cancelled'), abort.signal)
    await expect(running).rejects.toBe('cancelled')
    await expect(docker('inspect', sandbox.id)).rejects.toThrow('No such')
  })

  it('does so no more when it was removed from outside', async () => {
    await using sandbox = await server.sandbox()
    await docker('kill', sandbox.id)
    await expect.poll(() => sandbox.waits).toBe(false)
  })
})

describe('a secret given to a sandbox', () => {
  const secret = 'nobody-must-see-this-9471'
  const secretsAt = '/run/config'
  const files = () => tar([{ name: 'run/config/KEY', mode: 0o600 }, secret], [{ name: 'run/config/B' }, 'two\nlines'])

  it('is a file that only its user can read', async () => {
    await using sandbox = await server.sandbox({ secretsAt })
    const argv = ['bash', '-c', 'cat /run/config/*; stat -c "%a %U" /run/config; echo up; sleep 1000']
    const seen = Promise.withResolvers<string>()
    let output = ''
    const stop = new AbortController()
    const running = sandbox.run(
      { argv, env: {}, files: files() },
      (chunk) => {
        output += chunk.toString()
        if (output.endsWith('up\n')) seen.resolve(output)
      },
      stop.signal,
    )
    expect(await seen.promise).toBe(`two\nlines${secret}700 app\nup\n`)
    const other: Buffer[] = []
    await sandbox.exec({ argv: ['cat', '/run/config/KEY'], user: '1234' }, (chunk) => other.push(chunk), never)
    expect(Buffer.concat(other).toString()).toContain('Permission denied')
    stop.abort('enough')
    await expect(running).rejects.toBe('enough')
  })

  it('is in no record, process list, log or layer', async () => {
    await using sandbox = await server.sandbox({ secretsAt })
    const argv = ['bash', '-c', 'cat /run/config/KEY; sleep 1000']
    const stop = new AbortController()
    const read = Promise.withResolvers<void>()
    const running = sandbox.run({ argv, env: {}, files: files() }, () => read.resolve(), stop.signal)
    await read.promise
    const places = [
      await docker('inspect', sandbox.id),
      await docker('logs', sandbox.id).catch(String),
      await docker('diff', sandbox.id),
      await docker('top', sandbox.id, '-ef'),
      await docker('export', sandbox.id),
      (await shell(sandbox, 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ')).output,
    ]
    for (const place of places) expect(place).not.toContain(secret)
    {
      await using image = await committed(sandbox)
      expect(await docker('history', '--no-trunc', image.digest)).not.toContain(secret)
      expect(await docker('save', image.digest)).not.toContain(secret)
    }
    stop.abort('enough')
    await expect(running).rejects.toBe('enough')
  })
})

/** Gives a sandbox its order; gives what it printed and how it ended. */
async function order(sandbox: Sandbox, given: Parameters<Sandbox['run']>[0]) {
  const said: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' }
  const { exit } = await sandbox.run(given, (chunk, stream) => void (said[stream] += chunk.toString()), never)
  return { exit: await exit(), ...said }
}

function joined(tars: Readable[]): Readable {
  return Readable.from(
    (async function* () {
      for (const one of tars) yield* one as AsyncIterable<Buffer>
    })(),
  )
}

async function committed(sandbox: Awaited<ReturnType<TestEngine['sandbox']>>) {
  const image = await sandbox.commit({ reference: `${server.serverId}:test`, config: { labels: {} } })
  return { ...image, [Symbol.asyncDispose]: async () => void (await docker('rmi', image.digest)) }
}

it('the image of a sandbox of ours carries the labels given and claims to be no server’s', async () => {
  await using sandbox = await server.sandbox({ appId: undefined, user: 'root', trusted: true })
  const reference = `${server.serverId}:labels`
  const config = { labels: { 'paas.stack': 'test' }, command: ['/bin/bash'], user: 'app', env: { A: '1' } }
  const image = await sandbox.commit({ reference, config })
  try {
    expect(image).toMatchObject({ references: [reference], labels: { 'paas.stack': 'test', 'paas.server': '' } })
    expect(await server.engine.listImages()).toEqual([])
    const [found] = JSON.parse(await docker('inspect', image.digest)) as [
      { Config: Partial<Record<'User' | 'Entrypoint' | 'Cmd' | 'OpenStdin', unknown>> },
    ]
    // What is not set is left out by some engines.
    const { User, Entrypoint, Cmd, OpenStdin } = found.Config
    expect([User, Entrypoint ?? [], Cmd, OpenStdin ?? false]).toEqual(['app', [], ['/bin/bash'], false])
  } finally {
    await docker('rmi', image.digest)
  }
})
