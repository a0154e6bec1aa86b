import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestApp, until } from '../helpers/app.ts'
import { openFiles } from '../helpers/descriptors.ts'
import { watchApp } from '../helpers/load.ts'
import { rolePid } from '../helpers/processes.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { tarballOf } from '../helpers/tarball.ts'

/**
 * kill -9 of every part at every phase of a build. The verdict must be right, the app must be served
 * throughout, and nothing may be left over.
 */

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => {
  await server?.stop()
})

type Phase = 'compile' | 'release command' | 'boot'

/** What the build's output says when the phase begins. */
const begins: Record<Phase, string> = {
  compile: 'COMPILE BEGINS',
  'release command': 'RELEASE BEGINS',
  boot: 'Launching',
}

/** A version of which this phase lasts long enough to be hit. */
async function writeVersion(app: TestApp, text: string, slow?: Phase): Promise<string> {
  const pause = (phase: Phase): number => (phase === slow ? 2 : 0)
  const scripts = { start: 'node server.js', build: `echo ${begins.compile}; sleep ${pause('compile')}` }
  await app.repository.write('package.json', JSON.stringify({ name: 'slow', version: '1.0.0', scripts }))
  const release = `echo ${begins['release command']}; sleep ${pause('release command')}`
  await app.repository.write('Procfile', `web: node server.js\nrelease: ${release}\n`)
  const listen = `require('node:http').createServer((q, a) => a.end('${text}')).listen(process.env.PORT)`
  await app.repository.write('server.js', `setTimeout(() => ${listen}, ${pause('boot')} * 1000)\n`)
  return app.repository.commit(text)
}

const phases = Object.keys(begins) as Phase[]

describe.each<[string, Phase[]]>([
  ['api', phases],
  ['worker', phases],
  ['router', phases],
  ['supervisor', phases],
  ...(process.getuid?.() === 0 ? [['gate', ['compile']] satisfies [string, Phase[]]] : []),
])('kill -9 of the %s', (role, hit) => {
  let app: TestApp
  let served = 'the first version'
  beforeAll(async () => {
    app = await TestApp.create(server, 'node-hello')
    await writeVersion(app, served)
    const { code, output } = await app.push()
    if (code !== 0) throw new Error(output)
  })
  afterAll(async () => {
    await app[Symbol.asyncDispose]()
  })

  it.each(hit)('in the phase %s ends in a correct verdict with the app served throughout', async (phase) => {
    const text = `hit in ${phase}`
    const commit = await writeVersion(app, text, phase)
    const watch = watchApp(app, new RegExp(`^(${served}|${text})$`))
    const push = app.push()
    await until('the phase begins', async () => outputSays(app, commit, begins[phase]), 60_000)
    await kill(role)
    await push
    const verdict = async () => (await buildOf(app, commit))?.status === 'succeeded'
    await until('the build has a verdict', verdict, 60_000)
    await until('the new release serves', async () => (await app.get()).body === text)
    served = text
    const { failures } = await watch.stop()
    // The connections of a router end with it; everything else must go unnoticed.
    const excused = role === 'router' ? /ECONNRESET|hang up/ : /^$/
    expect(failures.filter((failure) => !excused.test(failure))).toEqual([])
    await until('the ref moved', async () =>
      (await app.repository.git('ls-remote', 'paas', 'main')).output.startsWith(commit),
    )
    const again = await app.push()
    expect(again.code, again.output).toBe(0)
    await until('one dyno is left of this app', async () => (await containers(app)).length === 1, 45_000)
  })
})

describe('kill -9 of the worker twice in one build', () => {
  it('fails the build with that reason instead of beginning it for ever', async () => {
    await using app = await TestApp.create(server, 'node-hello')
    const scripts = { start: 'node server.js', build: 'echo COMPILE BEGINS; sleep 60' }
    await app.repository.write('package.json', JSON.stringify({ name: 'deadly', version: '1.0.0', scripts }))
    const commit = await app.repository.commit('Deadly')
    const push = app.push()
    for (const times of [1, 2]) {
      const begun = async () => (await outputOf(app, commit)).split(`${begins.compile}\n`).length > times
      await until('it compiles', begun, 60_000)
      await kill('worker')
    }
    const { code, output } = await push
    expect([code, output]).toEqual([
      1,
      expect.stringContaining('build lost: The worker was killed or crashed 2 times while it built'),
    ])
  })
})

describe('kill -9 of the worker in the release command of a config change', () => {
  it('has the command begin again, alone, and the change serve', async () => {
    await using app = await TestApp.create(server, 'node-hello')
    await app.repository.write('Procfile', 'web: node server.js\nrelease: echo BEGINS; sleep ${SLOW:-0}\n')
    await app.repository.commit('Name a release command')
    const push = await app.push()
    expect(push.code, push.output).toBe(0)
    await app.api('PATCH', '/config-vars', { SLOW: '3' })
    const output = async (): Promise<string> => {
      const { body } = await app.api<{ id: string; status: string }>('GET', '/releases/3')
      const file = join(server.dataDirectory, 'builds', `${body.id}.log`)
      return `${body.status} ${existsSync(file) ? await readFile(file, 'utf8') : ''}`
    }
    await until('the command runs', async () => (await output()) === 'pending BEGINS\n', 30_000)
    await kill('worker')
    await until('the change serves', async () => (await output()).startsWith('succeeded'), 60_000)
    expect(await output()).toMatch(/^succeeded BEGINS\n-----> The release command was restarted[^\n]+\nBEGINS\n$/)
    await until('one dyno is left of the app', async () => (await containers(app)).length === 1, 45_000)
  })
})

describe('kill -9 of the worker in the upload of a slug', () => {
  it('ends it with the reason, leaves nothing behind, and has it taken the next time', async () => {
    await using app = await TestApp.create(server, 'node-hello')
    const { body: slug } = await app.api<SlugBody>('POST', '/slugs', { process_types: { worker: 'cat data' } })
    const list = ['images', '--quiet', '--filter', `label=paas.slug=${slug.id}`]
    const images = (): string => execFileSync('docker', list, { encoding: 'utf8' })
    const data = randomBytes(4 * 2 ** 20)
    const archive = await tarballOf({ 'app/data': data })
    const broken = send('PUT', slug, { beginning: archive.subarray(0, -1000) })
    await until('the worker has some of it', async () =>
      openFiles(rolePid(server.pid, 'worker')).some((file) => /layer-[\w-]+\.tar/.test(file)),
    )
    await kill('worker')
    const { status, body } = await broken
    expect([status, body.toString()]).toEqual([503, expect.stringContaining('"id":"worker_unavailable"')])
    expect(images()).toBe('')
    await until('it is taken', async () => (await send('PUT', slug, { whole: archive })).status === 200)
    expect(images()).not.toBe('')
    const { body: kept } = await app.api<SlugBody>('GET', `/slugs/${slug.id}`)
    expect(gunzipSync((await send('GET', kept, {})).body).includes(data)).toBe(true)
  })
})

type SlugBody = { id: string; blob: { url: string } }

/** To the slug's address. Of a beginning the rest never comes. */
async function send(
  method: string,
  { blob }: SlugBody,
  { beginning, whole }: { beginning?: Buffer; whole?: Buffer },
): Promise<{ status: number | undefined; body: Buffer }> {
  const { host, pathname: path } = new URL(blob.url)
  const outgoing = request({ port: server.port, path, method, agent: false, headers: { host } })
  if (beginning) outgoing.write(beginning)
  else outgoing.end(whole)
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  const body = await buffer(answer)
  outgoing.destroy()
  return { status: answer.statusCode, body }
}

async function kill(role: string): Promise<void> {
  if (role === 'supervisor') {
    await server.kill()
    await server.start()
  } else {
    process.kill(rolePid(server.pid, role), 'SIGKILL')
  }
}

type BuildBody = { id: string; status: string; source_blob: { version: string | null } }

async function buildOf(app: TestApp, commit: string): Promise<BuildBody | undefined> {
  try {
    const { body } = await app.api<BuildBody[]>('GET', '/builds')
    return body.find(({ source_blob }) => source_blob.version === commit)
  } catch {
    return undefined // the api is down just now: that is what is being tested
  }
}

async function outputSays(app: TestApp, commit: string, text: string): Promise<boolean> {
  return (await outputOf(app, commit)).includes(text)
}

/** Of a build that is under way. */
async function outputOf(app: TestApp, commit: string): Promise<string> {
  const build = await buildOf(app, commit)
  const file = join(server.dataDirectory, 'builds', `${build?.id}.log`)
  return build?.status === 'pending' && existsSync(file) ? readFile(file, 'utf8') : ''
}

async function containers(app: TestApp): Promise<string[]> {
  const { body } = await app.api<{ id: string }>('GET', '')
  const list = execFileSync('docker', ['ps', '--all', '--quiet', '--filter', `label=paas.app=${body.id}`], {
    encoding: 'utf8',
  })
  return list.split('\n').filter(Boolean)
}
