import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestApp, until } from '../helpers/app.ts'
import { watchApp } from '../helpers/load.ts'
import { rolePid } from '../helpers/processes.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

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

/** Each phase lasts long enough to be hit, and says so in the build's output when it begins. */
const slowManifest = JSON.stringify({
  name: 'slow',
  version: '1.0.0',
  scripts: { start: 'node server.js', build: 'echo COMPILE BEGINS; sleep 2' },
})
const procfile = 'web: node server.js\nrelease: echo RELEASE BEGINS; sleep 2\n'
const slowServer = (text: string): string =>
  `console.log('BOOT BEGINS');setTimeout(()=>require('node:http').createServer((q,a)=>a.end(${JSON.stringify(text)})).listen(process.env.PORT),2000)\n`

const phases = {
  compile: async (app: TestApp) => outputSays(app, 'COMPILE BEGINS'),
  'release command': async (app: TestApp) => outputSays(app, 'RELEASE BEGINS'),
  boot: async (app: TestApp) => outputSays(app, 'Launching'),
}

describe.each(['api', 'worker', 'router', 'supervisor'])('kill -9 of the %s', (role) => {
  it.each(Object.entries(phases))(
    'in the phase %s ends in a correct verdict with the app served throughout',
    async (_, phaseBegan) => {
      await using app = await TestApp.create(server, 'node-hello')
      await app.repository.write('server.js', slowServer('old'))
      await app.repository.commit('old')
      expect((await app.push()).code).toBe(0)
      await app.repository.write('package.json', slowManifest)
      await app.repository.write('Procfile', procfile)
      await app.repository.write('server.js', slowServer('new'))
      const commit = await app.repository.commit('new')

      const watch = watchApp(app, /^(old|new)$/)
      const push = app.push()
      await until('the phase begins', async () => phaseBegan(app), 60_000)
      await kill(role)
      await push
      await until('the build has a verdict', async () => (await newestBuild(app))?.status === 'succeeded', 60_000)
      await until('the new release serves', async () => (await app.get()).body === 'new')
      const { failures } = await watch.stop()
      // Nobody listens between a router's death and the next one; everything else must go unnoticed.
      const excused = role === 'router' ? /ECONNREFUSED|ECONNRESET|hang up/ : /^$/
      expect(failures.filter((failure) => !excused.test(failure))).toEqual([])
      await until('the ref moved', async () =>
        (await app.repository.git('ls-remote', 'paas', 'main')).output.startsWith(commit),
      )
      const again = await app.push()
      expect(again.code, again.output).toBe(0)
      await until('one dyno is left of this app', async () => (await containers(app)).length === 1, 45_000)
      await app.api('DELETE', '')
    },
  )
})

async function kill(role: string): Promise<void> {
  if (role === 'supervisor') {
    await server.kill()
    await server.start()
  } else {
    process.kill(rolePid(server.pid, role), 'SIGKILL')
  }
}

type BuildBody = { id: string; status: string; created_at: string }

async function newestBuild(app: TestApp): Promise<BuildBody | undefined> {
  try {
    const { body } = await app.api<BuildBody[]>('GET', '/builds')
    return body.toSorted((a, b) => b.created_at.localeCompare(a.created_at))[0]
  } catch {
    return undefined // the api is down just now: that is what is being tested
  }
}

async function outputSays(app: TestApp, text: string): Promise<boolean> {
  const build = await newestBuild(app)
  if (build === undefined || build.status !== 'pending') return false
  const output = join(server.dataDirectory, 'builds', `${build.id}.log`)
  return existsSync(output) && (await readFile(output, 'utf8')).includes(text)
}

async function containers(app: TestApp): Promise<string[]> {
  const { body } = await app.api<{ id: string }>('GET', '')
  const list = execFileSync('docker', ['ps', '--all', '--quiet', '--filter', `label=paas.app=${body.id}`], {
    encoding: 'utf8',
  })
  return list.split('\n').filter(Boolean)
}
