import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { request } from '../helpers/http.ts'
import { gitEnvironment, run, TestRepository, type Outcome } from '../helpers/repository.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { runCommand, type Said } from './terminal.ts'

const command = resolve(import.meta.dirname, '../../bin/paas')
const patient = { timeout: 30_000 }

let server: TestServer
let repository: TestRepository
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  server = await startServer()
  repository = await TestRepository.fromFixture('node-hello')
  env = { ...gitEnvironment(), ...server.env, XDG_CACHE_HOME: join(server.dataDirectory, 'cache') }
})
afterAll(async () => {
  await repository[Symbol.asyncDispose]()
  await server.stop()
})

const paas = (...argv: string[]): Promise<Said> => runCommand(argv, { cwd: repository.path, env })
const git = (...argv: string[]): Promise<Outcome> => run('git', argv, { cwd: repository.path, env })

async function succeed(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await paas(...argv)
  if (code !== 0) throw new Error(`paas ${argv.join(' ')}: ${stderr}`)
  return stdout
}

async function visit(path = '/'): Promise<string> {
  const { status, body } = await request({ port: server.port, host: `acme.localhost:${server.port}`, path })
  return `${status} ${body}`
}

it('on the machine of the server, the command is logged in at once and git push asks for nothing', async () => {
  await succeed('create', 'acme')
  const push = await git('push', 'paas', 'HEAD:main')
  expect(push).toMatchObject({ code: 0, output: expect.stringContaining('Released v2') })
  expect(await visit()).toBe('200 Hello, world\n')
})

it('ps, info, releases and builds show what was deployed', async () => {
  expect(await succeed('ps')).toMatch(/^=== web \(Basic\): npm start \(1\)\n\nweb\.1: {2}up/)
  expect(await succeed('info')).toMatch(/Dynos: +web: 1\n/)
  expect(await succeed('releases')).toMatch(/^=== acme Releases - Current: v2\n\nv2 {2}Deploy [0-9a-f]{8} /)
  expect(await succeed('builds')).toMatch(/ {2}succeeded {2}[0-9a-f]{8} {2}/)
  expect(await succeed('builds:info')).toMatch(/\nSlug: +built\n[^]*\nPhases:\n {2}queue: +\d+\.\d\d s\n/)
  expect(await succeed('disk')).toMatch(/\nacme( +\d+\.\d){5}\n/)
  expect(await succeed('builds:output')).toContain('-----> Node.js app detected')
  expect((await succeed('open', '/some/page')).trim()).toBe(`http://acme.localhost:${server.port}/some/page`)
})

it('git:clone gives a repository whose remote leads to the app', async () => {
  const into = join(server.dataDirectory, 'clone')
  expect(await paas('git:clone', into, '-a', 'acme', '-r', 'staging')).toMatchObject({ code: 0, stdout: `${into}\n` })
  expect(await readFile(join(into, 'package.json'), 'utf8')).toBe(
    await readFile(join(repository.path, 'package.json'), 'utf8'),
  )
  expect((await runCommand(['info', '-r', 'staging'], { cwd: into, env })).stdout).toContain('=== acme')
  expect(await run('git', ['fetch', '-q', 'staging'], { cwd: into, env })).toEqual({ code: 0, output: '' })
  expect((await paas('git:clone', into, '-a', 'acme')).stderr).toContain('git clone failed: 128.')
})

it('metrics counts the requests, also for Prometheus', async () => {
  const { totals } = JSON.parse(await succeed('metrics', '--json')) as { totals: { requests: number } }
  expect(totals.requests).toBeGreaterThan(0)
  const headers = { authorization: `Bearer ${server.token}` }
  const { body } = await request({ port: server.port, host: 'localhost', path: '/metrics', headers })
  expect(body).toContain(`paas_app_requests_total{app="acme",status="2xx"} ${totals.requests}`)
  for (const role of ['router', 'worker', 'api', 'redis']) expect(body).toContain(`paas_up{role="${role}"} 1`)
  for (const role of ['supervisor', 'redis'])
    expect(body).toMatch(new RegExp(`^paas_memory_bytes.role="${role}". \\d{6,}$`, 'm'))
})

it('logs --tail shows a request as it comes', async () => {
  const child = spawn(command, ['logs', '--tail'], { cwd: repository.path, env, stdio: 'pipe' })
  let shown = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (shown += chunk))
  await expect.poll(() => shown, patient).toContain('app[web.1]: > node server.js')
  await visit('/seen-in-the-log')
  await expect.poll(() => shown, patient).toMatch(/heroku\[router\]: at=info method=GET path="\/seen-in-the-log"/)
  child.kill('SIGINT')
  await once(child, 'close')
})

it('config:set and rollback end when the new release serves', async () => {
  expect((await paas('config:set', 'A=1')).stderr).toContain('Undo with: paas rollback v2 -a acme')
  expect(await succeed('releases')).toContain('Current: v3')
  expect((await paas('rollback')).stderr).toContain('Undo with: paas rollback v3 -a acme')
  expect(await succeed('releases')).toContain('Current: v4')
  expect(await succeed('config')).toBe('acme has no config vars.\n')
  expect(await visit()).toBe('200 Hello, world\n')
})

it('ps:scale and ps:restart change what runs', async () => {
  expect((await paas('ps:scale', 'web=2')).stderr).toContain(
    'now running web at 2:Basic\nUndo with: paas ps:scale web=1:basic',
  )
  await expect.poll(() => succeed('ps'), patient).toMatch(/web\.1: {2}up[^]*web\.2: {2}up/)
  await succeed('ps:restart', 'web.2')
  expect((await paas('ps:restart', 'web.9')).stderr).toContain(
    'acme has no dyno "web.9". See them with: paas ps -a acme',
  )
  await expect.poll(() => succeed('logs', '-d', 'web.2'), patient).toContain('Process exited with status 143')
})

it('builds:create builds once more, and tells whether it went well', async () => {
  const { code, stdout, stderr } = await paas('builds:create')
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('Released v5') })
  expect(stderr).toMatch(/^Building acme again\.\.\. done, build \S+ of [0-9a-f]{8}\n$/)
})

it('a slug is fetched, uploaded and released in other apps, and one of a directory serves', async () => {
  const visitApp = async (app: string, path = '/') =>
    (await request({ port: server.port, host: `${app}.localhost:${server.port}`, path })).body
  expect(await succeed('slugs:info')).toMatch(/Built by: +Node\.js\n/)
  const { slug } = JSON.parse(await succeed('releases:info', '--json')) as { slug: { id: string } }
  await succeed('create', 'promoted', '-r', 'promoted')
  await succeed('releases:create', slug.id, '-a', 'promoted')
  expect(await visitApp('promoted')).toBe('Hello, world\n')
  await succeed('slugs:download', '-o', 'acme.tgz')
  await succeed('create', 'moved', '-r', 'moved')
  const moved = (await succeed('slugs:create', 'acme.tgz', '--process', 'web=npm start', '-a', 'moved')).trim()
  await succeed('releases:create', moved, '-a', 'moved', '--description', 'By hand')
  expect(await visitApp('moved')).toBe('Hello, world\n')
  expect(await succeed('releases', '-a', 'moved')).toContain('v2  By hand ')
  await mkdir(join(repository.path, 'static'))
  await writeFile(join(repository.path, 'static/page.txt'), 'of a directory')
  const served = 'web=cd static && python3 -m http.server $PORT'
  const made = (await succeed('slugs:create', '.', '--process', served, '-a', 'moved')).trim()
  await succeed('releases:create', made, '-a', 'moved')
  expect(await visitApp('moved', '/page.txt')).toBe('of a directory')
  for (const app of ['promoted', 'moved']) {
    await succeed('destroy', '-a', app, '--confirm', app)
    await git('remote', 'remove', app)
  }
})

it('builds:cancel stops a build, and whoever watches it is told', async () => {
  await repository.write(
    'package.json',
    JSON.stringify({ name: 'slow', scripts: { start: 'true', build: 'sleep 600' } }),
  )
  await repository.commit('Build for ten minutes')
  const push = git('push', 'paas', 'HEAD:main')
  await expect.poll(() => succeed('builds'), patient).toContain('running')
  const watching = spawn(command, ['builds:output'], { cwd: repository.path, env, stdio: 'pipe' })
  const told = text(watching.stderr)
  const ended = once(watching, 'close')
  await once(watching.stdout, 'data') // From here on it watches a build that runs.
  watching.stdout.resume()
  expect((await paas('builds:cancel')).stderr).toMatch(/Cancelling the build \S+ of \S+\.\.\. done/)
  expect(await ended).toEqual([1, null])
  expect(await told).toContain('was cancelled.')
  expect((await push).code).toBe(1)
  expect(await visit()).toBe('200 Hello, world\n')
})

it('builds:create deploys the files of the directory as they are, but for what git ignores', async () => {
  await git('checkout', 'HEAD~1', '--', 'package.json')
  const source = await readFile(join(repository.path, 'server.js'), 'utf8')
  await repository.write('server.js', source.replace('Hello, world', 'Not committed'))
  await repository.write('.gitignore', 'secret.txt\n')
  await repository.write('secret.txt', 'x')
  const command = 'test -z "$LOCK" || { echo the tables are locked; exit 4; }'
  await repository.write('Procfile', `web: npm start\nrelease: ${command}\n`)
  const said = await paas('builds:create', '--source-dir')
  expect(said).toMatchObject({ code: 0, stdout: expect.stringContaining('-----> Unpacking the source') })
  expect(await visit()).toBe('200 Not committed\n')
  expect(await succeed('releases')).toMatch(/ {2}Deploy [0-9a-f]{7,}-dirty /)
}, 60_000)

it('builds:cache:purge empties what builds kept', async () => {
  const filter = ['--filter', `label=paas.server=${await server.serverId()}`]
  const kept = async () => (await run('docker', ['volume', 'ls', '--quiet', ...filter])).output
  expect(await kept()).not.toBe('')
  expect((await paas('builds:cache:purge')).stderr).toMatch(/^Emptying the build cache of \S+\.\.\. done/)
  expect(await kept()).toBe('')
})

it('config:set says why the release command failed, and that nothing has changed', async () => {
  const said = await paas('config:set', 'LOCK=yes')
  expect(said).toMatchObject({ code: 1, stdout: '' })
  expect(said.stderr).toMatch(
    /Restarting acme as v(\d+)\.\.\. failed\nLast lines of the release command:\n {7}the tables are locked\nThe change was reverted\.\n !    Release v\1 of acme failed: release command failed: it exited with 4\. The previous release keeps serving\. See: paas releases:output v\1 -a acme\n$/,
  )
  expect(await succeed('releases:output')).toBe('the tables are locked\n')
  expect(await paas('ps:wait')).toMatchObject({ code: 1, stderr: expect.stringContaining('it exited with 4') })
  expect(await succeed('config')).toBe('acme has no config vars.\n')
  const serving = /Current: (v\d+)/.exec(await succeed('releases'))?.[1]
  const again = await paas('config:set', 'LOCK=', 'A=1')
  expect(again).toMatchObject({
    code: 0,
    stderr: expect.stringContaining(`Undo with: paas rollback ${serving} -a acme`),
  })
  expect(await visit()).toBe('200 Not committed\n')
})

it('setup makes an app of a directory and its app.json, and says what is missing or wrong', async () => {
  const env = { KEY: { description: 'from the bank' }, SECRET: { generator: 'secret' } }
  const scripts = { postdeploy: 'echo "seeded with $KEY"; test "$KEY" != wrong' }
  await repository.write('shop/index.html', 'Open')
  await repository.write('shop/app.json', JSON.stringify({ env, scripts }))
  await repository.write('notes.txt', 'What we have to do. '.repeat(50))
  const none = await paas('setup', 'notes.txt', 'noted')
  expect(none).toMatchObject({ code: 1, stdout: '' })
  expect(none.stderr).toMatch(/^Setting up noted\.\.\. failed\n !    The source is not a gzipped tarball: [^\n]+\n$/)
  expect(await succeed('apps')).not.toContain('noted')
  const keyless = await paas('setup', 'shop', 'keyless')
  expect(keyless.code).toBe(1)
  expect(keyless.stderr).toMatch(
    / !    keyless was not set up: invalid app\.json: config var KEY is required\. The app exists, but nothing is deployed\. Before the next attempt: paas destroy -a keyless --confirm keyless\n$/,
  )
  const good = await paas('setup', 'shop', 'seeded', '-e', 'KEY=right')
  expect(good.code, good.stderr).toBe(0)
  expect(good.stdout).toMatch(
    /-----> Static site app detected[^]*Postdeploy command\n {7}seeded with \S+\nhttp:\/\/seeded\./,
  )
  expect((await request({ port: server.port, host: `seeded.localhost:${server.port}` })).body).toBe('Open')
  const wrong = await paas('setup', 'shop', 'spoilt', '-e', 'KEY=wrong')
  expect(wrong).toMatchObject({ code: 1, stdout: expect.stringContaining('Postdeploy command') })
  expect(wrong.stderr).toContain(
    'spoilt was not set up: postdeploy command failed: it exited with 1. The app serves anyway.',
  )
  for (const app of ['keyless', 'seeded', 'spoilt']) await succeed('destroy', '-a', app, '--confirm', app)
}, 60_000)

it('destroy takes the app and the remote', async () => {
  await succeed('destroy', '--confirm', 'acme')
  expect((await git('remote')).output).toBe('')
  expect(await succeed('apps')).toBe('')
})
