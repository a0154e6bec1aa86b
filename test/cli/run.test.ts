import { afterAll, beforeAll, expect, it } from 'vitest'
import { commandLine } from '../../src/cli/topics/run.ts'
import { TestApp, until } from '../helpers/app.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { runCommand, type Said } from './terminal.ts'
import { TypedAt } from './typed-at.ts'

let server: TestServer
let app: TestApp
beforeAll(async () => {
  const beyond = { PAAS_BUILD_CPUS: '256', PAAS_DYNO_SIZES: 'performance-m=512/256' }
  server = await startServer({ env: { PAAS_STOP_GRACE: '2', ...beyond } })
  app = await TestApp.create(server, 'node-hello')
  const { code, output } = await app.push()
  if (code !== 0) throw new Error(output)
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await server?.stop()
})

const paas = (argv: string[], input = ''): Promise<Said> => {
  return runCommand([...argv.slice(0, 1), '-a', app.name, ...argv.slice(1)], { input, env: server.env })
}
const dynos = async (): Promise<string[]> =>
  (await app.api<{ name: string }[]>('GET', '/dynos')).body.map(({ name }) => name).filter((name) => name !== 'web.1')
const noneLeft = (): Promise<unknown> => until('no one-off is left', async () => (await dynos()).length === 0)

it('pipes go through: input, both outputs and the exit status', async () => {
  const said = await paas(['run', 'cat; echo oh >&2; exit 9'], 'hi\0there')
  expect(said).toEqual({ code: 9, stdout: 'hi\0there', stderr: 'oh\n' })
  await noneLeft()
})

it('several words stay what they are, options of the command included', async () => {
  expect(await paas(['run', '-e', 'A=1 2', 'bash', '-c', 'echo "$A|$0|$1"', 'a b', "it's"])).toMatchObject({
    code: 0,
    stdout: "1 2|a b|it's\n",
  })
  expect(commandLine(['ls', '-la', '$HOME', ''])).toBe(`ls -la '$HOME' ''`)
  expect(commandLine(['echo $HOME'])).toBe('echo $HOME')
})

it('in a terminal there is one at the other end, which keys, Ctrl-C and the size of the window reach', async () => {
  using terminal = new TypedAt(['run', '-a', app.name, 'bash', '--norc', '-i'], {
    env: server.env,
    columns: 91,
    rows: 17,
  })
  await terminal.shows('$ ')
  terminal.type('stty size; echo $((6*7)) $TERM\n')
  await terminal.shows('17 91')
  await terminal.shows('42 xterm')
  terminal.type('echo begun; sleep 100\n')
  await terminal.shows('\rbegun')
  terminal.type('\x03')
  await terminal.shows('$ ')
  terminal.type('echo still $?\n')
  await terminal.shows('\rstill 130')
  terminal.type('exit 4\n')
  expect(await terminal.exit).toBe(4)
  await noneLeft()
})

it('what is killed leaves nothing behind', async () => {
  using terminal = new TypedAt(['run', '-a', app.name, 'bash', '--norc', '-i'], { env: server.env })
  await terminal.shows('$ ')
  expect((await dynos()).length).toBe(1)
  terminal.kill()
  await noneLeft()
  expect(await dynos()).toEqual([])
})

it('in the background, the output is in the log', async () => {
  const { code, stdout, stderr } = await paas(['run:detached', 'echo from far away'])
  const name = stdout.trim()
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining(`-d ${name} --tail`) })
  await expect.poll(async () => (await paas(['logs', '-d', name])).stdout).toContain('from far away')
  await noneLeft()
})

it('ps:exec runs a command, or a shell, in a running dyno', async () => {
  await app.api('PATCH', '/config-vars', { COLOUR: 'blue' })
  await paas(['ps:wait'])
  const said = await paas(
    ['ps:exec', 'sh', '-c', 'cat; echo $DYNO $COLOUR; cat /proc/1/cmdline | tr "\\0" " "; exit 9'],
    'in ',
  )
  expect(said).toEqual({ code: 9, stdout: expect.stringMatching(/^in web\.1 blue\n[^]*npm start/), stderr: '' })
  using terminal = new TypedAt(['ps:exec', '-a', app.name, '-d', 'web.1'], { env: server.env, columns: 91, rows: 17 })
  await terminal.shows('$ ')
  terminal.type('stty size; echo $((6*7)) $TERM\n')
  await terminal.shows('17 91')
  await terminal.shows('42 xterm')
  terminal.type('exit 4\n')
  expect(await terminal.exit).toBe(4)
  expect((await paas(['ps:exec', '-d', 'web.7', 'ls'])).stderr).toContain(`${app.name} has no dyno "web.7".`)
  expect((await paas(['logs', '-d', 'api'])).stdout).toContain('Starting process with command `bash` in web.1 by user')
})

it('ps --watch shows what changes', async () => {
  using terminal = new TypedAt(['ps', '--watch', '-a', app.name], { env: server.env })
  await terminal.shows('web.1:')
  const name = (await paas(['run:detached', 'sleep 4'])).stdout.trim()
  await terminal.shows(`${name}:`)
  await terminal.shows('\u001b[H\u001b[2J')
  terminal.type('\x03')
  expect(await terminal.exit).not.toBe(0)
  await noneLeft()
})

it('ps:stop ends one, ps:type changes a size, ps:wait waits for all', async () => {
  const name = (await paas(['run:detached', 'sleep 600'])).stdout.trim()
  expect((await paas(['ps'])).stdout).toContain(`=== run (Basic): sleep 600 (1)\n\n${name}: `)
  expect((await paas(['ps:stop', name])).stderr).toContain(`Stopping ${name}`)
  await noneLeft()
  const { stderr, stdout } = await paas(['ps:type', 'web=standard-1x'])
  expect(stderr).toContain(`Undo with: paas ps:type web=basic -a ${app.name}`)
  expect(stdout).toBe('web  Standard-1X  1\n')
  await until('the dyno has the size', async () => {
    const { body } = await app.api<{ size: string }[]>('GET', '/dynos')
    return body.length === 1 && body[0]?.size === 'Standard-1X'
  })
  expect(await paas(['ps:wait'])).toMatchObject({ code: 0 })
})

it('what has more processors than the machine builds, runs and is released all the same, and each says so', async () => {
  expect(server.output).toMatch(/worker {2}builds would have 256 processors \(this machine has \d+\); they get all/)
  const { code, stderr } = await paas(['ps:type', 'web=performance-m'])
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/Performance-M has 256 processors \(this machine has \d+\)/),
  ])
  await until('the dyno has the size', async () => {
    const { body } = await app.api<{ size: string; state: string }[]>('GET', '/dynos')
    return body.length === 1 && body[0]?.size === 'Performance-M' && body[0].state === 'up'
  })
  const pushed = await app.push('HEAD:refs/deploy/main')
  expect(pushed).toMatchObject({
    code: 0,
    output: expect.stringMatching(/!     web is performance-m, which has 256 processors/),
  })
})

it.each([
  [['run', '-s', 'huge', 'ls'], /There is no dyno size "huge"/],
  [['run', '-e', 'A', 'ls'], /"A" is not KEY=VALUE/],
  [['run', '--time-limit', '1h', 'ls'], /must be 1 to 86400 seconds/],
  [['run'], /Missing required argument/],
])('%j is refused with one line', async (argv, message) => {
  const { code, stderr } = await paas(argv)
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(message) })
  expect(stderr.trim().split('\n').length).toBe(1)
})
