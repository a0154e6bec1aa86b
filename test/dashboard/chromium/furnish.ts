import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { saveFindings } from '../../../src/doctor/saved.ts'
import { createLog } from '../../../src/log.ts'
import { openAppLogWriter } from '../../../src/logs/writer.ts'
import { FigureWriter } from '../../../src/metrics/figure-writer.ts'
import { RequestTally } from '../../../src/metrics/request-tally.ts'
import { minuteOf } from '../../../src/model/figures.ts'
import type { AddonId, DataTransferId, VolumeId } from '../../../src/model/ids.ts'
import type { App } from '../../../src/model/app.ts'
import type { TestApi } from '../../api/test-api.ts'

/** What a server has that is in use: apps in each state, with long names, deploys and a log. */
export async function furnish(api: TestApi): Promise<void> {
  const shop = await deployed(api, 'shop', 'up')
  await deployed(api, 'an-app-with-thirty-characters1', 'crashed')
  await deployed(api, 'newsletter', 'starting')
  await api.newApp('not-deployed-yet')
  const closed = await deployed(api, 'closed-for-the-winter', 'up')
  api.store.apps.update(closed.id, { maintenance: true })
  await api.call('PATCH', '/apps/shop/config-vars', { body: { PAYMENT_KEY: 'x', GREETING: 'y' } })
  failBuild(api, shop)
  await keepData(api, shop)
  api.store.domains.create({ appId: shop.id, hostname: 'www.shop.invalid', sniEndpointId: null })
  tellOfServer(api)
  await writeLog(api, shop)
  await writeTraffic(api, shop, 40)
  await writeTraffic(api, closed, 6)
}

/** What stands for the parameters of paths: of the app that has some of all. */
export async function paramsOf(api: TestApi): Promise<Record<string, string>> {
  const { body } = await api.call('GET', '/apps/shop/builds')
  const build = String(body[0]?.['id'])
  return { ':app': 'shop', ':release': 'v3', ':build': build, ':addon': 'shop-db', ':volume': 'uploads' }
}

/** Pages that ask or tell something with a query, and those of what was made of another. */
export function variantsOf({ store }: TestApi): Record<string, string> {
  const { id } = store.apps.find('shop')!
  const backup = store.volumeCopies
    .list({ appId: id })
    .find(({ kind, state }) => kind === 'backup' && 'snapshot' in state)
  const restored = store.addons.list(id).find(({ origin }) => origin)!
  const build = store.builds.list(id)[0]!
  const volume = '/data/volumes/uploads'
  const all = {
    rollback: '/releases/v2?ask=rollback',
    'deploy-again': `/builds/${build.id}?ask=again`,
    restart: '/dynos?ask=restart',
    'config-shown': '/config?show=*&edit=GREETING',
    'config-unset': '/config?ask=unset&key=GREETING',
    'domain-remove': '/domains?remove=www.shop.invalid',
    'addon-promote': `/data/addons/${restored.name}?ask=promote`,
    'addon-destroy': '/data/addons/shop-db?ask=destroy',
    'addon-restored': `/data/addons/${restored.name}`,
    'volume-restore': `${volume}?restore=${backup?.id}`,
    'volume-switch': `${volume}?switch=uploads-fork`,
    'volume-destroy': `${volume}?ask=destroy`,
    'volume-fork': `${volume}-fork`,
    'backup-restore': '/backups?restore=1',
    'metrics-week': '/metrics?period=week',
    destroy: '/settings?ask=destroy',
    'not-found': '/nothing',
  }
  return Object.fromEntries(Object.entries(all).map(([name, path]) => [name, `/dashboard/apps/shop${path}`]))
}

/** As the doctor does. */
function tellOfServer({ config }: TestApi): void {
  const checkedAt = Date.now()
  const done = {
    endedAt: checkedAt - 8e6,
    state: 'succeeded',
    reason: null,
    apps: 5,
    bytes: 2e9,
    addedBytes: 3e7,
  } as const
  const advice = 'Free some, or make it larger.'
  const findings = [{ name: 'disk', state: 'warning', message: 'data: 88 % of 40 GiB are taken', advice } as const]
  saveFindings(config.paths.findings, { checkedAt, findings, backups: [{ startedAt: checkedAt - 9e6, ...done }] })
}

/** A database and a volume, with backups. */
async function keepData(api: TestApi, app: App): Promise<void> {
  const { addons, addonBackups, addonProofs, volumes, volumeCopies } = api.store
  const asked = { plan: 'heroku-postgresql', name: 'shop-db' }
  const id = String((await api.call('POST', '/apps/shop/addons', { body: asked })).body['id']) as AddonId
  addons.setSecrets(id, { ...addons.secrets(id), config: { URL: 'postgres://u:p@h:5432/d' } })
  addons.setState(id, { kind: 'provisioned', work: null })
  for (const kind of ['full', 'diff'] as const) {
    const label = kind === 'full' ? '20261122-031502F' : '20261122-031502F_20261126-031507D'
    const state = { kind: 'succeeded', label, bytes: kind === 'full' ? 48e6 : 3e6, noted: null } as const
    addonBackups.end(addonBackups.begin(id, kind).id, state)
  }
  const now = Date.now()
  addonBackups.setArchive(id, { since: new Date(now - 5 * 86_400_000), until: new Date(now - 20_000), bytes: 96e6 })
  addonProofs.setState(addonProofs.ask(id).id, { kind: 'succeeded', label: '20261122-031502F', compared: true })
  const made = volumes.create({ appId: app.id, name: 'uploads', mount: '/app/up', types: ['web'], singleWriter: false })
  volumes.recordMade(made.id)
  const of = { appId: app.id, volumeId: made.id, volume: 'uploads', from: null, into: null, trigger: 'daily' } as const
  const copy = volumeCopies.create({ ...of, kind: 'backup' })
  const content = { checksum: 'f'.repeat(64), files: 1204, bytes: 7.3e8 }
  const done = { kind: 'succeeded', endedAt: new Date(), snapshot: '0123abcd', isStill: true, ...content } as const
  volumeCopies.setState(copy.id, done)
  const fails = volumeCopies.create({ ...of, kind: 'backup', trigger: 'asked' })
  volumeCopies.setState(fails.id, { kind: 'failed', endedAt: new Date(), reason: 'The target does not answer.' })
  const into = { name: 'uploads-fork', data: crypto.randomUUID() as VolumeId, switch: false }
  const fork = volumeCopies.create({ ...of, trigger: 'asked', kind: 'fork', into })
  const filled = { appId: app.id, name: into.name, mount: '/volumes/uploads-fork', types: [], singleWriter: true }
  volumes.addFilled(filled, into.data)
  volumeCopies.setState(fork.id, { ...done, snapshot: null })
  await restoreAndDump(api, id)
}

/** What was made of the database as of an hour ago, and a dump of it. */
async function restoreAndDump(api: TestApi, id: AddonId): Promise<void> {
  const body = { at: new Date(Date.now() - 3_600_000).toISOString().slice(0, 19) }
  const made = (await api.call('POST', `/addons/${id}/actions/restore`, { body })).body
  api.store.addons.setState(String(made['id']) as AddonId, { kind: 'provisioned', work: null })
  await api.call('POST', `/client/v11/databases/${id}/backups`, { body: {} })
  const [dump] = api.store.dataTransfers.list({ appId: api.store.addons.find(id)!.appId })
  const stored = { place: 'somewhere', sha256: 'a'.repeat(64) } as never
  const at = { startedAt: new Date(Date.now() - 60_000), endedAt: new Date() }
  api.store.dataTransfers.setState(dump!.id as DataTransferId, { kind: 'succeeded', ...at, stored })
}

/** The last hour's by the minute and the last week's by the half hour, in waves. */
async function writeTraffic(api: TestApi, { id }: App, most: number): Promise<void> {
  await using writer = new FigureWriter({ directory: api.config.paths.metrics, log: createLog('test', 'silent') })
  const halves = Array.from({ length: 335 }, (_, i) => (i + 1) * 30).toReversed()
  for (const ago of [...halves, ...Array.from({ length: 60 }, (_, i) => 60 - i)]) {
    const tally = new RequestTally()
    const count = Math.round(most * (1 + Math.sin(ago / 5) + Math.sin(ago / 1.7) / 3))
    const times = { connect: 1, service: 20 + (ago % 9) }
    for (let i = 0; i < count; i++) tally.record({ status: 200, code: undefined, bytes: 900, times })
    writer.write(id, { minute: minuteOf(Date.now()) - ago, requests: tally.figures() })
  }
}

async function deployed(api: TestApi, name: string, state: 'up' | 'crashed' | 'starting'): Promise<App> {
  const app = await api.newApp(name)
  const { build, release } = api.deploy(app, '4f1c09ab'.repeat(5), { web: 'npm start', worker: 'node worker.js' })
  api.store.formations.scale(app.id, [{ type: 'web', quantity: 2 }])
  const facts = { appId: app.id, type: 'web', size: 'standard-1x', release: release.version, attached: false }
  const seen = { since: new Date(), exitStatus: null, error: null }
  api.store.dynoStates.put({ ...facts, id: `${name} one`, name: 'web.1' }, { ...seen, state: 'up' })
  api.store.dynoStates.put({ ...facts, id: `${name} two`, name: 'web.2' }, { ...seen, state })
  writeOutput(api, build.id, greenOutput)
  return app
}

function writeOutput(api: TestApi, build: string, text: string): void {
  const path = join(api.config.paths.builds, build)
  writeFileSync(`${path}.log`, text)
  writeFileSync(`${path}.end`, '')
}

const greenOutput = `-----> Node.js app detected
-----> Installing dependencies
       added 214 packages in 3s
\u001b[32m✓ 38 modules transformed.\u001b[39m
\u001b[1m\u001b[33mwarning\u001b[0m: 2 packages are out of date
-----> Launching
       Released v2
`

/** By a compiler that has something to say, in red. */
function failBuild({ store, ...api }: TestApi, app: App): void {
  const asked = { appId: app.id, accountId: app.ownerId, commit: 'c0ffee12'.repeat(5), ref: 'refs/heads/main' }
  const made = store.builds.create({ ...asked, previousCommit: null, noCache: false, detached: false })
  const build = store.builds.claim(made.build.id)!
  const reason = 'npm run build exited with 2: src/cart.ts(12,5): Type "string" is not assignable to type "number"'
  const report = { phases: { source: 52, detect: 210, compile: 8420 } }
  store.builds.finish(build.id, 1, { kind: 'failed', finishedAt: new Date(), code: 'build_failed', reason }, report)
  const path = join(api.config.paths.builds, build.id)
  writeFileSync(`${path}.log`, `-----> Node.js app detected\n\u001b[31merror\u001b[0m ${reason}\n !     Build failed\n`)
  writeFileSync(`${path}.end`, '')
}

async function writeLog(api: TestApi, { id }: App): Promise<void> {
  await using writer = openAppLogWriter({ directory: api.config.paths.logs, log: createLog('test', 'silent') })
  const begin = Date.now() - 120_000
  for (let i = 0; i < 120; i++) {
    const time = new Date(begin + i * 700)
    const request = `at=info method=GET path="/products/${i}" host=shop.localhost status=200 bytes=${900 + i} service=${3 + (i % 9)}ms`
    writer.write(id, { time, source: 'heroku', process: 'router', text: request })
    if (i % 3 === 0)
      writer.write(id, {
        time,
        source: 'app',
        process: 'web.1',
        text: `GET /products/${i} \u001b[32m200\u001b[0m ${3 + (i % 9)} ms`,
      })
    if (i % 40 === 7)
      writer.write(id, {
        time,
        source: 'app',
        process: 'web.2',
        text: '\u001b[31mTypeError: cart is undefined\u001b[0m at checkout (/app/cart.js:41:17)',
      })
  }
}
