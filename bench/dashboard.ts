import { randomBytes } from 'node:crypto'
import { request, type IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { loadConfig } from '../src/config.ts'
import { newId, type SlugId } from '../src/model/ids.ts'
import { openStore } from '../src/store/open.ts'
import { api } from '../test/helpers/app.ts'
import { rolePid } from '../test/helpers/processes.ts'
import type { TestServer } from '../test/helpers/server.ts'
import { launch } from '../test/dashboard/chromium/web.ts'
import { memoryOf } from './memory.ts'
import { median } from './statistics.ts'
import type { Row } from './table.ts'

const apps = 50
const manyApps = 500
const viewers = 20
/** Seconds after which an idle process has given back what it needed for a moment. */
const settling = 90

/** The list of all apps in a browser: on the server, over the wire, in Chromium; and what the api holds for it. */
export async function benchDashboard(server: TestServer): Promise<Row[]> {
  for (let i = 0; i < apps; i++) await api(server, 'POST', '/apps', { body: { name: `app-number-${i}` } })
  deployAll(server)
  await delay(settling * 1000)
  const before = await apiMemory(server)
  const first = await timed(server)
  const later = []
  for (let i = 0; i < 30; i++) later.push((await timed(server)).ms)
  await delay(settling * 1000)
  const looked = await apiMemory(server)
  const open = await Promise.all(Array.from({ length: viewers }, () => follow(server)))
  for (let i = 0; i < 30; i++) await api(server, 'PATCH', '/apps/app-number-1', { body: { maintenance: i % 2 === 0 } })
  await delay(settling * 1000)
  const watched = await apiMemory(server)
  for (const stream of open) stream.destroy()
  const assets = [...first.text.matchAll(/(?:href|src)="(\/dashboard\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '')
  const files = await Promise.all(assets.map(async (path) => ({ path, ...(await get(server, path)) })))
  const sum = (of: { bytes: number }[]): number => of.reduce((total, { bytes }) => total + bytes, 0)
  const paint = await lastPaint(server)
  for (let i = apps; i < manyApps; i++) await api(server, 'POST', '/apps', { body: { name: `app-number-${i}` } })
  const many = []
  for (let i = 0; i < 15; i++) many.push((await timed(server)).ms)
  return [
    row(`dashboard: first view of ${apps} apps, with loading it`, first.ms, 'ms'),
    row('  later views', median(later), 'ms', 50),
    row('  over the wire: page, style, script, icon', (first.bytes + sum(files)) / 1024, 'KiB', 30),
    row('  script of it', sum(files.filter(({ path }) => path.endsWith('.js'))) / 1024, 'KiB', 60),
    row('  last paint in Chromium', paint, 'ms', 150),
    row(`  later views of ${manyApps} apps`, median(many), 'ms'),
    row('  api, idle, after somebody has looked', looked - before, 'MiB', 5),
    row(`  api with ${viewers} viewers`, watched - before, 'MiB', 20),
  ]
}

/** As if each app had been deployed and scaled down: what serves, since when and by whom is in the list. */
function deployAll(server: TestServer): void {
  const { paths } = loadConfig(server.env)
  using store = openStore({ path: paths.database, keyPath: paths.key })
  const made = store.apps.list().filter(({ name }) => name.startsWith('app-number-'))
  for (const { id: appId, ownerId: accountId } of made) {
    const commit = randomBytes(20).toString('hex')
    const asked = { appId, accountId, commit, ref: 'refs/heads/main', previousCommit: null }
    const build = store.builds.claim(store.builds.create({ ...asked, noCache: false, detached: false }).build.id)!
    const built = { appId, buildId: build.id, commit, stack: 'debian-13', buildpack: 'Node.js', size: 4711 }
    const image = `sha256:${commit.padEnd(64, '0')}`
    const slug = { ...built, id: newId<SlugId>(), image, processTypes: { web: 'npm start' }, createdAt: new Date() }
    store.builds.recordSlug(build.id, 1, slug)
    const description = `Deploy ${commit.slice(0, 8)}`
    const release = store.releases.create({ appId, accountId, slugId: slug.id, description, config: {} })
    store.builds.recordRelease(build.id, 1, release.id)
    store.formations.sync(appId, ['web'])
    store.formations.scale(appId, [{ type: 'web', quantity: 0 }])
    store.apps.setCurrentRelease(appId, release.id)
    store.builds.finish(build.id, 1, { kind: 'succeeded', finishedAt: new Date() })
  }
}

function row(what: string, value: number, unit: string, most?: number): Row {
  return { what, value, unit, ...(most === undefined ? {} : { target: `≤ ${most} ${unit}`, met: value <= most }) }
}

async function apiMemory(server: TestServer): Promise<number> {
  return (await memoryOf(rolePid(server.pid, 'api'))).total
}

type Got = { ms: number; bytes: number; text: string }

function timed(server: TestServer): Promise<Got> {
  return get(server, '/dashboard/apps')
}

async function get(server: TestServer, path: string): Promise<Got> {
  const begin = performance.now()
  const answer = await ask(server, path)
  const chunks: Buffer[] = []
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const text = answer.headers['content-encoding'] === 'gzip' ? gunzipSync(body).toString() : body.toString()
  const head = answer.rawHeaders.reduce((bytes, part) => bytes + part.length + 2, 0)
  return { ms: performance.now() - begin, bytes: head + body.length, text }
}

/** As an open page does, until it is destroyed. */
async function follow(server: TestServer): Promise<IncomingMessage> {
  const answer = await ask(server, '/dashboard/changes')
  answer.on('data', (chunk: Buffer) => {
    if (chunk.includes('event: change')) void timed(server)
  })
  answer.on('error', () => undefined)
  return answer
}

function ask(server: TestServer, path: string): Promise<IncomingMessage> {
  const headers = {
    host: new URL(server.url).host,
    cookie: `paas-session=${server.token}`,
    accept: 'text/html',
    'accept-encoding': 'gzip',
  }
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  request({ host: '127.0.0.1', port: server.port, path, headers, agent: false }, resolve).on('error', reject).end()
  return promise
}

/**
 * Milliseconds from the request to the last paint: the middle of several visits by somebody whose
 * browser is there and at rest and has nothing of the server. A context of its own is a new window,
 * whose bar is a page that is compiled for 0.1 to 0.2 s: that is not waited for by somebody who types
 * an address. What comes after the largest paint changes nothing (pages.test.ts).
 */
async function lastPaint(server: TestServer): Promise<number> {
  const browser = await launch()
  const paints: number[] = []
  try {
    for (let i = 0; i < 15; i++) {
      const context = await browser.newContext()
      await context.addCookies([{ name: 'paas-session', value: server.token, url: server.url, httpOnly: true }])
      await context.newPage()
      await delay(1000)
      const tab = await context.newPage()
      await delay(300)
      await tab.goto(`${server.url}/dashboard/apps`)
      paints.push(Number(await tab.evaluate(paintTime)))
      await context.close()
    }
  } finally {
    await browser.close()
  }
  return median(paints)
}

const paintTime = `new Promise((done) => {
  new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime)).observe({
    type: 'largest-contentful-paint',
    buffered: true,
  })
})`
