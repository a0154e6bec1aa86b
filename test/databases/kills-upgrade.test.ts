import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { mirrorLines } from '../../src/build/stack/mirror.ts'
import { debianKeyring } from '../../src/build/stack/rootfs.ts'
import { until } from '../helpers/app.ts'
import { EngineEvents, kill, type AddonJson } from './kills.ts'
import { program, saidEnd, started, StruckSite, type Steps } from './struck-site.ts'

/**
 * kill -9 of the worker, the api and the engine at each step of `pg:upgrade`. Each time the old database is what it was, or
 * the new one has taken its place with all rows; what was made for nothing is gone, and it can be asked for again.
 *
 * Debian 12 has PostgreSQL 15, which is upgraded to that of the stack.
 */

const [, url] = (await mirrorLines('bookworm')).find((line) => line.endsWith(' bookworm main'))?.split(' ') ?? []
const canRun = url !== undefined && process.getuid?.() === 0
let struck: StruckSite

beforeAll(async () => {
  if (!canRun) return
  struck = await StruckSite.start({
    env: { PAAS_PACKAGE_SOURCE: `${url} bookworm main`, PAAS_PACKAGE_SOURCE_KEY: debianKeyring },
    services: [['17'], ['15'], ['15', '17']].map((versions) => ['heroku-postgresql', versions]),
  })
}, 900_000)
afterAll(() => struck?.[Symbol.asyncDispose](), 240_000)

const trying: Steps = {
  'is on record': undefined,
  'has a copy': started('rehearsal'),
  'brings the copy back': program('restore', 'rehearsal'),
  'looks through the copy': program('verify', 'rehearsal'),
}
const holding: Steps = {
  'holds writes': program('writes'),
  'ends connections': program('disconnect'),
  'starts the new one': started('postgresql\\.[2-9]'),
  'fills the new one': program('restore', 'postgresql\\.[2-9]'),
  'compares the two': program('facts', 'postgresql\\.[2-9]'),
}
const steps: Steps = { ...trying, ...holding }

/** The app with a database that is upgraded, its first one, and how many rows that has. */
let place = ''
let old = ''
let written = 0
/** Whether that of the test before is still of the old version, and whether a copy of it was upgraded. */
let isOld = false
let isTried = false

beforeEach(async () => {
  if (canRun && !isOld) await begin()
  isOld = false
}, 300_000)

/** One of PostgreSQL 15 that can be upgraded, in an app of its own. */
async function begin(): Promise<void> {
  if (place !== '') await struck.ask('DELETE', `/apps/${place}`)
  place = (await struck.ask<{ name: string }>('POST', '/apps', {})).name
  old = await struck.database({ plan: 'heroku-postgresql', config: { version: '15' } }, place)
  isTried = false
  await inPlace('CREATE TABLE marks AS SELECT 0 AS n')
  written = 1
  await until('it has a backup', async () => struck.hasBackup(old), 120_000)
}

/** Asks the database that the app has now. */
async function inPlace(statement: string): Promise<string> {
  const { DATABASE_URL: address } = await struck.ask<Record<string, string>>('GET', `/apps/${place}/config-vars`)
  const there = address!.replace(/@[^/]+/, '@127.0.0.1:5432')
  return struck.sqlAt(there, statement, await addonAt(address!))
}

async function addonAt(address: string): Promise<string> {
  for (const { id } of await struck.ask<AddonJson[]>('GET', `/apps/${place}/addons`))
    if ((await struck.urlOf(id)) === address) return id
  throw new Error('no add-on has that URL')
}

type Upgrade = { 'waiting?': boolean; 'error?': boolean; message: string }

async function upgrade(how = 'run'): Promise<() => Promise<string>> {
  await struck.ask('POST', `/client/v11/databases/${old}/upgrade/${how}`, {})
  const end = async (): Promise<string | false> => {
    const now = await struck.ask<Upgrade>('GET', `/client/v11/databases/${old}/upgrade/wait_status`)
    return !now['waiting?'] && (now['error?'] ? `failed: ${now.message}` : 'done')
  }
  return () => until('it has an end', end, 240_000)
}

/** For a day nobody tries it again: an upgrade begins with the hold. */
async function tryIt(): Promise<void> {
  if (isTried) return
  expect(await (await upgrade('dry_run'))()).toBe('done')
  isTried = true
}

async function isWhole(end: string): Promise<void> {
  expect(await inPlace('SELECT current_setting($$server_version$$)')).toMatch(end === 'done' ? /^17/ : /^15/)
  expect(await inPlace('SELECT count(*) FROM marks')).toBe(String(written))
  await untilWritten()
  written += 1
  const there = async () => (await struck.ask<AddonJson[]>('GET', `/apps/${place}/addons`)).length
  // What was made for nothing goes by itself.
  await until('there are as many as are wanted', async () => (await there()) === (end === 'done' ? 2 : 1), 60_000)
  await struck.holds()
  isOld = end !== 'done'
}

async function untilWritten(): Promise<void> {
  const write = async () => {
    const said = await inPlace(`INSERT INTO marks VALUES (${written})`).catch((cause: Error) => cause.message)
    if (said !== 'nothing' && !said.includes('read-only transaction')) throw new Error(said)
    return said === 'nothing'
  }
  await until('it can be written', write)
}

describe.skipIf(!canRun)('pg:upgrade', () => {
  describe.each(['worker', 'engine'] as const)('with the %s killed', (victim) => {
    it.each(Object.keys(steps))('when it %s leaves the old one as it was, or is done', async (step) => {
      if (step in holding) await tryIt()
      const end = await struck.strike(['upgrade', step, victim], steps[step], () => upgrade())
      expect(end).toMatch(saidEnd)
      await isWhole(end)
    })

    it('as soon as the new one has taken its place runs with that', async () => {
      const end = await (await upgrade())()
      await kill(struck.site, victim)
      struck.outcomes.push(['upgrade', 'has taken its place', victim, end])
      expect(end).toBe('done')
      await isWhole(end)
    })
  })

  it('with the api killed at each step is done', async () => {
    using events = new EngineEvents(struck.site)
    const ended = await upgrade()
    for (const [step, at] of Object.entries(steps)) {
      if (at) await events.saw(at)
      await kill(struck.site, 'api')
      struck.outcomes.push(['upgrade', step, 'api', ''])
    }
    const end = await ended()
    struck.outcomes.push(['upgrade', 'all of them', 'api', end])
    expect(end).toBe('done')
    await isWhole(end)
  })
})
