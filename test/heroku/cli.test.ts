import { readFile, writeFile } from 'node:fs/promises'
import { get } from 'node:https'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testAuthority } from '../helpers/certificates.ts'
import { request } from '../helpers/http.ts'
import { TestRepository } from '../helpers/repository.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { HerokuUser } from './user.ts'

const onlyLoopback = `--require=${join(import.meta.dirname, 'loopback-only.cjs')}`
const metricsHost = 'connect api.metrics.heroku.com'
const gitHubHost = 'connect kolkrabbi.heroku.com'

let server: TestServer
let user: HerokuUser
const life = new AsyncDisposableStack()

beforeAll(async () => {
  server = life.use(await startServer())
  user = life.use(await HerokuUser.start(server))
  await deployProbe('acme')
})
afterAll(async () => {
  await life.disposeAsync()
})

/** An app of its own for one test. */
async function create(name: string): Promise<string[]> {
  await user.succeed(['create', name])
  return ['-a', name]
}

/** With a remote that Heroku's command made, over TLS, as its users do. */
async function deployProbe(app: string): Promise<void> {
  await user.succeed(['create', app])
  await using repository = await TestRepository.fromFixture('node-probe')
  await repository.write('Procfile', 'web: node server.js\nworker: sleep 1000\nrelease: echo tables are made\n')
  await repository.commit('Name the process types')
  const cwd = repository.path
  await user.succeed(['git:remote', '-a', app], { cwd })
  const { code, stderr } = await user.run('git', ['push', 'heroku', 'main'], { cwd })
  if (code !== 0 || !stderr.includes('Released v2')) throw new Error(stderr)
  expect(await user.succeed(['apps:info', '--json'], { cwd })).toContain(`"name": "${app}"`)
}

describe('what keeps the tests from the network', () => {
  it.concurrent.each([
    ['anything', ['apps'], ['HEROKU_HOST', 'NODE_OPTIONS'], 'connect api.heroku.com'],
    ['commands with an address of their own', ['ps:autoscale:disable', '-a', 'acme'], ['NODE_OPTIONS'], metricsHost],
    ['those that swallow the failure', ['pipelines:connect', 'acme', '-r', 'o/r'], ['NODE_OPTIONS'], gitHubHost],
  ])('notices %s that goes to Heroku without the settings of paas heroku:env', async (_name, argv, unset, noticed) => {
    await using other = await HerokuUser.start(server)
    const env = { ...Object.fromEntries(unset.map((name) => [name, undefined])), NODE_OPTIONS: onlyLoopback }
    expect((await other.heroku(argv, { env })).code).not.toBe(0)
    expect(await other.strayConnections()).toContain(noticed)
  })
})

describe.concurrent('a command that has only Heroku to speak to', () => {
  it('is stopped by the settings, and says so', async () => {
    const { code, stderr } = await user.heroku(['ps:autoscale:disable', '-a', 'acme'])
    expect(code).not.toBe(0)
    expect(stderr.replaceAll(/\s+›?\s*/g, ' ')).toContain(
      `paas: nothing is sent to api.metrics.heroku.com. This shell speaks to ${server.url} (paas heroku:env)`,
    )
  })

  it('is stopped also where it keeps the reason to itself', async () => {
    expect((await user.heroku(['pipelines:connect', 'acme', '-r', 'o/r'])).code).not.toBe(0)
  })
})

describe.concurrent('an app', () => {
  it('is created with a name or without, listed and shown', async () => {
    const { code, stdout, stderr } = await user.heroku(['create', 'fresh'])
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('Creating fresh... done') })
    expect(stdout).toContain(`http://fresh.localhost:${server.port}/ | https://localhost:`)
    expect(await user.succeed(['create'])).toMatch(/^http:\/\/[a-z0-9-]+\.localhost/)
    expect(await user.succeed(['apps'])).toMatch(/^fresh \(local\)$/m)
    const shown = await user.succeed(['info', '-a', 'fresh'])
    expect(shown).toMatch(/^=== fresh$/m)
    expect(shown).toMatch(/^Stack: +debian-13$/m)
  })

  it('is renamed and destroyed', async () => {
    await create('before')
    expect((await user.heroku(['apps:rename', 'after', '-a', 'before'])).stderr).toContain(
      'Renaming before to after... done',
    )
    expect((await user.heroku(['destroy', '-a', 'after', '--confirm', 'after'])).stderr).toMatch(
      /Destroying.*after.*done/,
    )
    const { code, stderr } = await user.heroku(['info', '-a', 'after'])
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('There is no app "after".') })
  })

  it('goes into maintenance and comes back', async () => {
    const app = await create('resting')
    await user.succeed(['maintenance:on', ...app])
    expect(await user.succeed(['maintenance', ...app])).toBe('on\n')
    await user.succeed(['maintenance:off', ...app])
    expect(await user.succeed(['maintenance', ...app])).toBe('off\n')
  })
})

describe.concurrent('config vars', () => {
  it('are set, shown, fetched and unset, each time as a release', async () => {
    const app = await create('configured')
    const set = await user.heroku(['config:set', 'A=1', 'GREETING=hello world', ...app])
    expect(set).toMatchObject({ code: 0, stderr: expect.stringContaining('restarting configured... done, v2') })
    expect(await user.succeed(['config', ...app])).toContain('A:        1\nGREETING: hello world\n')
    expect(await user.succeed(['config', '--shell', ...app])).toBe("A=1\nGREETING='hello world'\n")
    expect(await user.succeed(['config:get', 'GREETING', ...app])).toBe('hello world\n')
    expect((await user.heroku(['config:unset', 'A', ...app])).stderr).toContain('done, v3')
    expect(JSON.parse(await user.succeed(['config', '--json', ...app]))).toEqual({ GREETING: 'hello world' })
  })
})

describe('a deployed app', () => {
  const app = ['-a', 'acme']

  it('shows its dynos', async () => {
    expect(await user.succeed(['ps', ...app])).toMatch(/=== web \(Basic\): node server\.js \(1\)\n\nweb\.1: up /)
  })

  it('scales, and shows the formation', async () => {
    const { code, stderr } = await user.heroku(['ps:scale', 'worker=1', ...app])
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('now running worker at 1:Basic'),
    })
    expect(await user.succeed(['ps:scale', ...app])).toContain('web=1:Basic worker=1:Basic')
    await user.succeed(['ps:scale', 'worker-1', ...app])
    expect(await user.succeed(['ps:type', 'worker=standard-1x', ...app])).toMatch(/worker +Standard-1X +0 /)
  })

  it('restarts all dynos, those of a type, or one, and ps:wait waits for them', async () => {
    const ways = [[], ['--process-type', 'web'], ['web'], ['--dyno-name', 'web.1']]
    await Promise.all(ways.map((which) => user.succeed(['ps:restart', ...which, ...app])))
    await user.succeed(['ps:wait', ...app])
    await expect.poll(() => user.succeed(['ps', ...app])).toMatch(/^web\.1: up /m)
    const log = await user.succeed(['logs', '-s', 'app', '-n', '100', ...app])
    const restarted = [...log.matchAll(/Restart (.+) by user/g)].map(([, which = '']) => which)
    expect(restarted.toSorted((a, b) => a.localeCompare(b))).toEqual(['all dynos', 'web', 'web', 'web.1'])
  })

  it('shows its releases, one of them with its config vars, and what the release command printed', async () => {
    expect(await user.succeed(['releases', ...app])).toMatch(/Current: v2\n[^]*v2 +Deploy [0-9a-f]{8} /)
    expect(await user.succeed(['releases:info', 'v2', ...app])).toMatch(
      /=== Release v2\n[^]*Change: +Deploy [0-9a-f]{8}/,
    )
    expect(await user.succeed(['releases:output', 'v2', ...app])).toBe('tables are made\n')
  })

  it('is cloned', async () => {
    await user.succeed(['git:clone', ...app])
    expect(await readFile(join(user.home, 'acme/Procfile'), 'utf8')).toContain('web: node server.js')
  })

  it('goes back to an earlier release', async () => {
    await user.succeed(['config:set', 'WRONG=yes', ...app])
    await user.succeed(['ps:wait', ...app])
    const { code, stdout, stderr } = await user.heroku(['rollback', ...app])
    expect({ code, stdout, stderr }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Running release command...'),
      stderr: expect.stringContaining('Rolling back acme to v2... done, v4'),
    })
    expect(await user.succeed(['config', ...app])).not.toContain('WRONG')
    expect(await user.succeed(['releases', ...app])).toMatch(/v4 +Rollback to v2/)
  })

  it('stops a dyno, which comes back', async () => {
    await user.succeed(['ps:stop', 'web.1', ...app])
    await user.succeed(['ps:wait', ...app])
    await expect.poll(() => user.succeed(['ps', ...app])).toMatch(/^web\.1: up /m)
  })

  it('runs commands once, with what is piped in, and gives their exit status', async () => {
    const piped = user.heroku(['run', '--no-tty', 'read line; echo "got $line in $DYNO"', ...app], { input: 'this\n' })
    const failing = ["sh -c 'exit 7'", 'exit 8', 'kill -9 $$'].map((line) =>
      user.heroku(['run', '--exit-code', line, ...app]),
    )
    expect(await piped).toMatchObject({ code: 0, stdout: expect.stringMatching(/got this in run\.\d+/) })
    expect((await Promise.all(failing)).map(({ code }) => code)).toEqual([7, 8, 137])
  })

  it('runs a shell at a terminal', async () => {
    const shown = await user.typeAt(`heroku run sh ${app.join(' ')}`, {}, [
      { when: /\$ $/, type: 'stty size; echo $((40 + 2)); exit\r' },
    ])
    expect(shown).toMatch(/^42$/m)
  })

  it('runs a command detached, whose output is in the log', async () => {
    const { code, stderr } = await user.heroku(['run:detached', 'echo all alone', ...app])
    const [, dyno = ''] = /done, (run\.\d+)/.exec(stderr) ?? []
    expect({ code, dyno }).toMatchObject({ code: 0, dyno: expect.stringMatching(/^run\./) })
    await expect.poll(() => user.succeed(['logs', '-d', dyno, ...app])).toContain(`app[${dyno}]: all alone`)
  })

  it('follows its log', async () => {
    const tail = user.start('heroku', ['logs', '--tail', '-n', '1', ...app])
    await expect.poll(() => tail.shown()).toMatch(/\n/)
    await request({ port: server.port, host: `acme.localhost:${server.port}`, path: '/seen-in-the-tail' })
    await expect.poll(() => tail.shown()).toMatch(/heroku\[router\]: at=info method=GET path="\/seen-in-the-tail"/)
    await tail.stop()
  })

  it('shows its log', async () => {
    expect(await user.succeed(['logs', ...app])).toMatch(/heroku\[web\.1\]: State changed from starting to up/)
    expect(await user.succeed(['logs', '-n', '1', '-s', 'app', '-d', 'web.1', ...app])).toMatch(
      /^\S+ app\[web\.1\]: .+\n$/,
    )
  })
})

describe.concurrent('an account', () => {
  it('is shown', async () => {
    expect(await user.succeed(['whoami'])).toBe('admin@paas.localhost\n')
  })
})

describe.concurrent('a domain', () => {
  it('is added, shown, waited for and removed', async () => {
    const app = await create('hosted')
    const { stderr } = await user.heroku(['domains:add', 'www.hosted.example', ...app])
    expect(stderr).toContain('Adding www.hosted.example to hosted... done')
    expect(await user.succeed(['domains', ...app])).toMatch(/www\.hosted\.example +CNAME +hosted\.localhost/)
    expect(await user.succeed(['domains:info', 'www.hosted.example', ...app])).toMatch(/status: +succeeded/)
    await user.succeed(['domains:wait', 'www.hosted.example', ...app])
    await user.succeed(['domains:remove', 'www.hosted.example', ...app])
    await user.succeed(['domains:add', '*.hosted.example', ...app])
    await user.succeed(['domains:clear', ...app])
    expect(await user.succeed(['domains', ...app])).not.toContain('hosted.example')
  })

  it('is shown with its certificate, which is added, shown, replaced and removed', async ({ expect }) => {
    const app = await create('secured')
    const authority = await testAuthority()
    const write = async (name: string): Promise<string[]> => {
      const { certificate, key } = await authority.issue(['www.secured.example'])
      const files = [join(user.home, `${name}.pem`), join(user.home, `${name}.key`)]
      await Promise.all([writeFile(files[0]!, certificate), writeFile(files[1]!, key)])
      return files
    }
    expect(await user.succeed(['certs:add', ...(await write('first')), ...app])).toContain('www.secured.example')
    const name = /[a-z]+-[a-z]+-\d{4}/.exec(await user.succeed(['certs', ...app]))?.[0]
    await user.succeed(['domains:add', 'www.secured.example', '--cert', name!, ...app])
    const host = { servername: 'www.secured.example', headers: { host: 'www.secured.example' } }
    const visit = () =>
      new Promise<string>((settle) => {
        const to = { host: '127.0.0.1', port: server.httpsPort, ca: authority.certificate, agent: false as const }
        const outgoing = get({ ...to, ...host }, (response) => settle(String(response.resume().statusCode)))
        outgoing.on('error', ({ message }) => settle(message))
      })
    // Nothing is deployed; what counts is who answers, and with what certificate.
    await expect.poll(visit).toBe('503')
    expect(await user.succeed(['certs:info', ...app])).toMatch(/Expires At: +20\d\d/)
    await user.succeed(['certs:update', ...(await write('second')), '--confirm', 'secured', ...app])
    await user.succeed(['domains:update', 'www.secured.example', '--cert', name!, ...app])
    await user.succeed(['certs:remove', '--confirm', 'secured', ...app])
    await expect.poll(visit).toMatch(/unable to verify|altnames|local issuer/)
    expect((await user.heroku(['certs:auto:enable', ...app])).stderr).toContain('does not request certificates')
  })
})

it('nothing was asked of any other machine', async () => {
  expect(await user.strayConnections()).toEqual([])
})
