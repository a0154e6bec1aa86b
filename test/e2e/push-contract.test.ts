import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { api, TestApp, until } from '../helpers/app.ts'
import { letGo, untilLetGo } from '../helpers/held-build.ts'
import { request } from '../helpers/http.ts'
import { gitEnvironment, TestRepository } from '../helpers/repository.ts'
import { Bundle } from '../helpers/bundle.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

/** Every row of the push contract, as a user of the real git client meets it. They run side by side: most of their time is waiting. */

/** The bundle, as users run it. */
let bundle: Bundle
let server: TestServer
beforeAll(async () => {
  bundle = await Bundle.make()
  server = await startServer({
    bundle,
    env: { PAAS_MAX_PUSH_MIB: '4', PAAS_BOOT_TIMEOUT: '10', PAAS_BUILD_CONCURRENCY: '5' },
  })
})
afterAll(async () => {
  await server?.stop()
  await bundle?.[Symbol.asyncDispose]()
})

/** A server that answers `text`, and whatever else its package.json should say. */
async function serveText(app: TestApp, text: string, scripts: Record<string, string> = {}): Promise<string> {
  const source = `require('node:http').createServer((_, answer) => answer.end(${JSON.stringify(text)})).listen(process.env.PORT)\n`
  await app.repository.write('server.js', source)
  await app.repository.write(
    'package.json',
    JSON.stringify({ name: 'hello', version: '1.0.0', scripts: { start: 'node server.js', ...scripts } }),
  )
  await app.repository.write('.gitignore', 'node_modules\n')
  return app.repository.commit(text)
}

async function textApp(text: string, scripts: Record<string, string> = {}): Promise<TestApp> {
  const app = await TestApp.create(server, 'node-hello')
  await app.repository.git('rm', '-r', '--quiet', '--force', '.')
  await serveText(app, text, scripts)
  return app
}

function remoteHead(app: TestApp, ref = 'refs/heads/main'): Promise<string> {
  return app.repository.git('ls-remote', 'paas', ref).then(({ output }) => output.split('\t')[0] ?? '')
}

describe.concurrent('a push of the deploy branch', () => {
  it('shows the build line by line and exits 0 when the commit serves', async () => {
    await using app = await textApp('one')
    const push = await app.push()
    expect(push.output).toMatch(/remote: -----> Node\.js app detected/)
    expect(push.output).toMatch(/remote: {8}Released v2/)
    expect(push.output).toContain(`http://${app.host}`)
    expect(push.code).toBe(0)
    expect((await app.get()).body).toBe('one')
    expect(await remoteHead(app)).toBe(await app.repository.head())
  })

  it('deploys master while the app has no main', async () => {
    await using app = await textApp('from master')
    expect((await app.push('main:master')).code).toBe(0)
    expect((await app.get()).body).toBe('from master')
  })

  it('takes a forced push for a deploy like any other', async () => {
    await using app = await textApp('first')
    await app.push()
    await app.repository.git('commit', '--amend', '--quiet', '--message', 'another history')
    await serveText(app, 'rewritten')
    await app.repository.git('reset', '--soft', 'HEAD~2')
    await app.repository.git('checkout', '--orphan', 'rewritten', '--quiet')
    await app.repository.commit('rewritten')
    expect((await app.push('HEAD:main')).output).toContain('non-fast-forward')
    expect((await app.push('--force', 'HEAD:main')).code).toBe(0)
    expect((await app.get()).body).toBe('rewritten')
  })

  it('shows no control characters of the build but newlines and colours', async () => {
    await using app = await textApp('clean', {
      build: String.raw`printf 'bell\007 title\033]0;owned\007 clear\033[2J \033[32mgreen\033[0m\n'`,
    })
    const push = await app.push()
    expect(push.code).toBe(0)
    expect(push.output).toContain('\u001B[32mgreen\u001B[0m')
    expect(push.output).not.toMatch(/\u0007|\u001B\]|\u001B\[2J/)
  })
})

describe.concurrent('a push of what was built before', () => {
  it('uses the slug there is, and runs the release command and all after it, until the cache is emptied', async () => {
    await using app = await textApp('same')
    await app.repository.write('Procfile', 'web: node server.js\nrelease: echo migrating\n')
    await app.repository.commit('With a release command')
    await app.push()
    await app.repository.git('commit', '--quiet', '--allow-empty', '--message', 'Nothing')
    const push = await app.push()
    expect(push.output).toMatch(/-----> Nothing changed since v2: using its build/)
    expect(push.output).not.toContain('app detected')
    expect(push.output).toMatch(/migrating[^]*Released v3/)
    expect((await app.get()).body).toBe('same')
    expect(await remoteHead(app)).toBe(await app.repository.head())
    await api(server, 'DELETE', `/apps/${app.name}/build-cache`)
    await app.repository.git('commit', '--quiet', '--allow-empty', '--message', 'Nothing')
    expect((await app.push()).output).toContain('app detected')
  })
})

describe.concurrent('an app whose Procfile has no web', () => {
  it('runs what it was scaled to before its first deploy, and no web of the buildpack', async () => {
    await using app = await textApp('not asked for')
    await app.repository.write('worker.js', 'setInterval(() => undefined, 1000)\n')
    await app.repository.write('Procfile', 'worker: node worker.js\n')
    await app.repository.commit('A worker')
    const body = { updates: [{ type: 'worker', quantity: 1 }] }
    await api(server, 'PATCH', `/apps/${app.name}/formation`, { body })
    const push = await app.push()
    expect(push.output).toMatch(/No web process type, so nothing answers at \S+; it has worker *\n/)
    expect(push.code).toBe(0)
    const dynos = await api(server, 'GET', `/apps/${app.name}/dynos`)
    expect(dynos.body).toMatchObject([{ name: 'worker.1', state: 'up' }])
  })
})

describe.concurrent('a push that fails', () => {
  it('in the build names the reason, moves no ref, leaves the old release serving and can be tried again', async () => {
    await using app = await textApp('good')
    await app.push()
    const good = await app.repository.head()
    await serveText(app, 'bad', { build: 'echo about to fail; exit 3' })
    for (const attempt of ['first', 'second']) {
      const push = await app.push()
      expect(push.code, attempt).toBe(1)
      expect(push.output).toContain('about to fail')
      expect(push.output).toMatch(/! \[remote rejected\] main -> main \(build failed: .+\)/)
    }
    expect((await app.get()).body).toBe('good')
    expect(await remoteHead(app)).toBe(good)
  })

  it('in the release command does the same', async () => {
    await using app = await textApp('good')
    await app.push()
    await app.repository.write('Procfile', 'web: node server.js\nrelease: echo migrating; exit 4\n')
    await serveText(app, 'bad')
    const push = await app.push()
    expect(push.code).toBe(1)
    expect(push.output).toContain('migrating')
    expect(push.output).toMatch(/\(release command failed: .*4\)/)
    expect((await app.get()).body).toBe('good')
  })

  it.each([
    ['nothing listens on $PORT', `setInterval(() => undefined, 1000)`, /nothing listens/i],
    ['127.0.0.1 only', `require('node:http').createServer().listen(process.env.PORT, '127.0.0.1')`, /127\.0\.0\.1/],
    ['the exit code', `process.exit(7)`, /\b7\b/],
  ])('at boot explains it by %s', async (_, source, explained) => {
    await using app = await textApp('good')
    await app.push()
    await app.repository.write('server.js', source)
    await app.repository.commit('bad')
    const push = await app.push()
    expect(push.code).toBe(1)
    expect(push.output).toMatch(/! \[remote rejected\] main -> main \(boot failed: .+\)/)
    expect(push.output).toMatch(explained)
    expect((await app.get()).body).toBe('good')
  })
})

describe.concurrent('refs that do not deploy', () => {
  it('are refused one by one while the deploy branch goes its way', async () => {
    await using app = await textApp('several refs')
    const push = await app.push('main', 'main:feature')
    expect(push.code).toBe(1)
    expect(push.output).toMatch(/main -> feature \(not a deploy branch; push HEAD:main\)/)
    expect(push.output).toMatch(/\[new branch\] +main -> main/)
    expect((await app.get()).body).toBe('several refs')
    expect((await app.repository.git('ls-remote', 'paas')).output).not.toContain('feature')
  })

  it('are kept if they are tags, and an annotated one can be deployed', async () => {
    await using app = await textApp('tagged')
    await app.repository.git('tag', '--annotate', '--message', 'one', 'v1')
    const push = await app.push('main', '--tags')
    expect(push.output).toMatch(/\[new branch\] +main -> main\n \* \[new tag\] +v1 -> v1/)
    expect(push.code).toBe(0)
    await serveText(app, 'newer')
    expect((await app.push()).code).toBe(0)
    expect((await app.push('--force', 'v1:refs/heads/main')).code).toBe(0)
    expect((await app.get()).body).toBe('tagged')
    expect(await remoteHead(app)).toBe(await app.repository.head('v1^{}'))
  })

  it('include the deletion of the deploy branch', async () => {
    await using app = await textApp('undeletable')
    await app.push()
    const push = await app.push('--delete', 'main')
    expect(push.code).toBe(1)
    expect(push.output).toMatch(/\[remote rejected\] main \(.*delet.*\)/)
    expect((await app.get()).body).toBe('undeletable')
  })
})

describe.concurrent('push options and refs/deploy', () => {
  it('rebuild the running commit by a push to refs/deploy/main', async () => {
    await using app = await textApp('again')
    await app.push()
    expect((await app.push()).output).toContain('Everything up-to-date')
    const push = await app.push('HEAD:refs/deploy/main')
    expect(push.code).toBe(0)
    expect(push.output).toContain('Released v3')
    expect((await app.repository.git('ls-remote', 'paas')).output).not.toContain('refs/deploy')
  })

  it('let -o detach return at once and deploy afterwards', async () => {
    await using app = await textApp('detached', { build: 'sleep 2' })
    const push = await app.push('-o', 'detach', 'main')
    expect(push.code).toBe(0)
    expect(push.output).toMatch(/paas builds:output/)
    expect(push.output).not.toContain('Released')
    await until('the detached build serves', async () => (await app.get()).body === 'detached', 60_000)
  })

  it('put the ref back when a detached build fails', async () => {
    await using app = await textApp('good')
    await app.push()
    const good = await app.repository.head()
    await serveText(app, 'bad', { build: 'exit 1' })
    expect((await app.push('-o', 'detach', 'main')).code).toBe(0)
    await until('the ref is back', async () => (await remoteHead(app)) === good)
    expect((await app.push()).code).toBe(1)
  })

  it('build without the cache on -o no-cache, and refuse options that do not exist', async () => {
    const countBuilds =
      'mkdir -p $CACHE; n=$(cat $CACHE/count 2>/dev/null || echo 0); echo $((n+1)) > $CACHE/count; echo count=$((n+1))'
    await using app = await textApp('cached', { build: countBuilds.replaceAll('$CACHE', 'node_modules/.cache') })
    expect((await app.push('-o', 'no-cache', 'main')).output).toContain('count=1')
    const unknown = await app.push('-o', 'fast', 'HEAD:refs/deploy/main')
    expect(unknown.code).toBe(1)
    expect(unknown.output).toMatch(/unknown push option.*fast/i)
  })
})

describe.concurrent('several pushes', () => {
  it('run in the order they came, and a newer one supersedes a waiting one', async () => {
    await using app = await textApp('first', { build: `echo at work; ${untilLetGo}` })
    const first = app.push()
    await printed(app, 'at work')
    await serveText(app, 'second')
    const second = app.push('--force', 'main')
    await until('two builds', async () => (await builds(app)).length === 2)
    const third = await serveText(app, 'third')
    const newest = app.push('--force', 'main')
    await until('three builds', async () => (await builds(app)).length === 3)
    await letGo(app)
    const [one, two, three] = await Promise.all([first, second, newest])
    expect(one.code, one.output).toBe(0)
    expect(two.code).toBe(1)
    expect(two.output).toContain(`superseded by ${third.slice(0, 7)}`)
    expect(three.code, three.output).toBe(0)
    expect((await app.get()).body).toBe('third')
    expect(await remoteHead(app)).toBe(third)
  })

  it('attach to the running build when the client went away', async () => {
    await using app = await textApp('survivor', { build: `echo early line; ${untilLetGo}; echo late line` })
    const client = spawn('git', ['push', 'paas', 'main'], {
      cwd: app.repository.path,
      env: gitEnvironment(),
      detached: true,
    })
    await new Promise<void>((settle) => {
      let seen = ''
      client.stderr.on('data', (chunk: Buffer) => {
        seen += chunk.toString()
        if (seen.includes('early line')) settle()
      })
    })
    process.kill(-(client.pid ?? 0), 'SIGKILL')
    let shown = ''
    const following = app.repository.follow((chunk) => (shown += chunk), 'push', 'paas', 'main')
    await until('it is attached', async () => shown.includes('early line'))
    await letGo(app)
    const again = await following
    expect(again.code, again.output).toBe(0)
    expect(again.output).toContain('late line')
    expect(await builds(app)).toHaveLength(1)
    expect((await app.get()).body).toBe('survivor')
  })
})

describe.concurrent('a push that cannot be taken', () => {
  it('from a shallow clone is refused with what to do', async () => {
    await using app = await textApp('deep')
    await serveText(app, 'deeper')
    await using shallow = await TestRepository.empty()
    await shallow.git('fetch', '--quiet', '--depth=1', `file://${app.repository.path}`, 'main')
    await shallow.git('checkout', '--quiet', '-B', 'main', 'FETCH_HEAD')
    const push = await shallow.git('push', app.gitUrl(), 'main')
    expect(push.code).toBe(1)
    expect(push.output).toMatch(/shallow.*unshallow/is)
    expect(await builds(app)).toEqual([])
  })

  it('of an empty tree is refused before anything is built', async () => {
    await using app = await TestApp.create(server, 'node-hello')
    await app.repository.git('checkout', '--quiet', '--orphan', 'empty')
    await app.repository.git('rm', '-r', '--quiet', '--force', '.')
    await app.repository.commit('nothing')
    const push = await app.push('HEAD:main')
    expect(push.code).toBe(1)
    expect(push.output).toMatch(/empty|no files/i)
  })

  it('of more than the limit is refused with the limit', async () => {
    await using app = await textApp('huge')
    await writeFile(join(app.repository.path, 'noise'), randomBytes(6 * 2 ** 20))
    await app.repository.commit('noise')
    const push = await app.push()
    expect(push.code).not.toBe(0)
    expect(push.output).toMatch(/4 MiB/)
    expect(await builds(app)).toEqual([])
  })

  it('of broken objects is refused', async () => {
    await using app = await textApp('broken')
    const tree = `tree ${await app.repository.head('HEAD^{tree}')}\nauthor nobody\ncommitter nobody\n\nbroken\n`
    await writeFile(join(app.repository.path, '..', `${app.name}.commit`), tree)
    const { output } = await app.repository.git(
      'hash-object',
      '-t',
      'commit',
      '-w',
      '--literally',
      `../${app.name}.commit`,
    )
    const push = await app.push(`${output.trim()}:refs/heads/main`)
    expect(push.code).toBe(1)
    expect(push.output).toMatch(/fsck|broken|missingEmail|badDate|missing/i)
    expect(await builds(app)).toEqual([])
  })

  it("without a token, with a wrong one or to another user's app says so in one line", async () => {
    await using app = await textApp('guarded')
    const anonymous = await app.repository.git('push', `${server.url}/${app.name}.git`, 'main')
    expect(anonymous.code).not.toBe(0)
    expect((await app.repository.git('push', app.gitUrl('wrong'), 'main')).output).toMatch(/Authentication failed|401/)
    const stranger = await api<{ token: string }>(server, 'POST', '/accounts', {
      body: { email: 'stranger@example.com', password: 'correct horse battery' },
    })
    expect(stranger.status).toBe(201)
    const login = await request({
      port: server.port,
      host: new URL(server.url).host,
      method: 'POST',
      path: '/oauth/authorizations',
      headers: {
        authorization: `Basic ${Buffer.from('stranger@example.com:correct horse battery').toString('base64')}`,
        'content-type': 'application/json',
      },
      body: '{}',
    })
    const { token } = (JSON.parse(login.body) as { access_token: { token: string } }).access_token
    const refused = await app.repository.git('push', app.gitUrl(token), 'main')
    expect(refused.code).not.toBe(0)
    expect(refused.output).toMatch(/not found|no app/i)
    const unknown = await app.repository.git('push', app.gitUrl().replace(app.name, 'no-such-app'), 'main')
    expect(unknown.output).toMatch(/no-such-app/)
    expect(await builds(app)).toEqual([])
  })
})

type BuildJson = { id: string; status: string; output_stream_url: string }

async function builds(app: TestApp): Promise<BuildJson[]> {
  return (await app.api<BuildJson[]>('GET', '/builds')).body
}

/** Resolves when the app's first build has printed this. */
async function printed(app: TestApp, text: string): Promise<void> {
  const url = await until('there is a build', async () => (await builds(app))[0]?.output_stream_url)
  let seen = ''
  for await (const chunk of (await fetch(url)).body ?? []) {
    seen += Buffer.from(chunk).toString()
    if (seen.includes(text)) return
  }
  throw new Error(`the build ended without printing "${text}":\n${seen}`)
}
