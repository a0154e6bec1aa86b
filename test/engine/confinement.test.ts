import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refuseMissingRuntime } from '../../src/worker/runtime.ts'
import { docker, limits, never, shell, testEngine, type TestEngine } from './support.ts'

let server: TestEngine
beforeAll(async () => {
  server = await testEngine()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

/** Numbers of system calls, which perl makes as they are. Those from 424 on are the same everywhere. */
const calls = {
  x64: { socket: 41, modify_ldt: 154, keyctl: 250, userfaultfd: 323, bpf: 321, perf_event_open: 298, unshare: 272 },
  arm64: { socket: 198, keyctl: 219, userfaultfd: 282, bpf: 280, perf_event_open: 241, unshare: 97 },
}[process.arch as 'x64' | 'arm64']

/** AF_PACKET as a stream of frames and of packets, AF_INET raw; AF_VSOCK, AF_ALG, AF_XDP; a user namespace. */
const attempts = [
  ['io_uring_setup', 425, 1],
  ['AF_VSOCK', calls.socket, 40, 1],
  ['AF_ALG', calls.socket, 38, 5],
  ['AF_XDP', calls.socket, 44, 3],
  ['AF_PACKET', calls.socket, 17, 3, 0x300],
  ['raw socket', calls.socket, 2, 3, 255],
  ...Object.entries(calls).filter(([name]) => name !== 'socket' && name !== 'unshare'),
  ['user namespace', calls.unshare, 0x10000000],
]

/** Prints what succeeded, or failed for another reason than that it is not allowed (EPERM). */
const tryAll = attempts
  .map(
    ([name, ...numbers]) =>
      `$! = 0; $r = syscall(${[...numbers, 0, 0, 0, 0, 0, 0].slice(0, 7).join(', ')}); ` +
      `print "${name}: $!\\n" unless $r == -1 && $! == 1;`,
  )
  .join('')
const attack = `perl -e '${tryAll} print "tried\\n"; for (1, 2, 10, 16) { socket($s, $_, 2, 0) or print "no family $_" }'`

describe('system calls that no app needs are refused', () => {
  it('in a dyno, a command beside it and a build', async () => {
    const dyno = await server.dyno(`${attack}; sleep 1000`)
    await using sandbox = await server.sandbox()
    const beside = await docker('exec', dyno.id, 'bash', '-c', attack)
    expect([beside, (await shell(sandbox, attack)).output]).toEqual(['tried', 'tried'])
    await expect.poll(() => docker('logs', dyno.id)).toBe('tried')
  })

  it('in a one-off', async () => {
    const { id } = await server.dyno(attack, { name: 'run.1', type: 'run', restart: false })
    await server.engine.waitDyno(id, never)
    expect(await docker('logs', id)).toBe('tried')
  })

  it.runIf(process.arch === 'x64')('with all of those of 32-bit programs, which hide what they ask for', async () => {
    await using sandbox = await server.sandbox()
    const { output } = await shell(
      sandbox,
      `exec 2>/dev/null; printf ${exits7} | base64 -d > /tmp/x; chmod +x /tmp/x; /tmp/x; echo $?`,
    )
    expect(output).toBe('159')
  })
})

/** An ELF file for the i386: mov eax, 1; mov ebx, 7; int 0x80, which is exit(7). */
const exits7 =
  'f0VMRgEBAQAAAAAAAAAAAAIAAwABAAAAVIAECDQAAAAAAAAAAAAAADQAIAABAAAAAAAAAAEAAAAAAAAAAIAECACABAhgAAAAYAAAAAUAAAAAEAAAuAEAAAC7BwAAAM2A'

describe('a runtime that was set', () => {
  it('is that of builds, dynos and one-offs', async () => {
    // Every engine has it beside `runc`, which is the same by another name.
    const engine = server.connect({ runtime: 'io.containerd.runc.v2' })
    const { appId, image } = server
    const shared = { appId, image, limits, env: {} }
    await using sandbox = await engine.createSandbox({ ...shared, name: 'b', user: 'app', labels: {} }, never)
    const spec = {
      ...shared,
      app: 'acme',
      type: 'run',
      release: 7,
      size: 'basic',
      command: 'sleep 1000',
      name: 'run.2',
    }
    const dyno = await engine.runDyno({ ...spec, restart: false }, never)
    const attached = await engine.attachDyno({ ...spec, restart: false }, undefined, never)
    const ids = [sandbox.id, dyno.id, attached.dyno.id]
    expect(await docker('inspect', '--format', '{{.HostConfig.Runtime}}', ...ids)).toBe(
      Array(3).fill('io.containerd.runc.v2').join('\n'),
    )
  })

  it('and that the engine does not have is said at the start', async () => {
    const { engine } = server
    await expect(refuseMissingRuntime({ engine, runtime: 'no-such' })).rejects.toMatchObject({
      code: 'runtime_missing',
      message: expect.stringMatching(/^Docker has no runtime no-such \(PAAS_RUNTIME\). It has: .*runc/),
    })
    await refuseMissingRuntime({ engine, runtime: 'runc' })
  })
})
