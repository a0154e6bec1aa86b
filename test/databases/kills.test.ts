import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { api } from '../helpers/app.ts'
import { addonsOf, kill, victims, type AddonJson } from './kills.ts'
import { program, started, stepsTimes, StruckSite, type Steps } from './struck-site.ts'

/**
 * kill -9 of the worker, the api and the engine at each step of making, forking and promoting a database. Each time the
 * record comes to an end that is so, the app has its database with all rows, nothing is left over, and the same can be
 * asked for again.
 */

const canRun = process.getuid?.() === 0
let struck: StruckSite

beforeAll(async () => {
  if (canRun) struck = await StruckSite.start()
}, 900_000)
afterAll(() => struck?.[Symbol.asyncDispose](), 240_000)

describe.skipIf(!canRun)('addons:create', () => {
  const steps: Steps = {
    'on record': undefined,
    'has a volume': /^volume create/,
    'has a container': /^container create postgresql/,
    'is started': started('postgresql'),
    'is asked whether it answers': program('health'),
  }
  it.each(stepsTimes(victims, steps))('with the %s killed when it %s is made all the same', async (victim, step) => {
    let id = ''
    const end = await struck.strike(['create', step, victim], steps[step], async () => {
      const asked = { plan: 'heroku-postgresql' }
      ;({ id } = await struck.ask<AddonJson>('POST', `/apps/${struck.app.name}/addons`, asked))
      return () => struck.made(id)
    })
    expect(end).toBe('done')
    expect(await struck.sql(id, 'SELECT 1')).toBe('1')
    await struck.destroy(id)
    await struck.holds()
  })
})

describe.skipIf(!canRun)('addons:create with the api killed before it answers', () => {
  it('has made one or none, and whoever asks once more gets it, or is told that it is there', async () => {
    const { app, site } = struck
    const path = `/apps/${app.name}/addons`
    const asked = { plan: 'heroku-postgresql', name: 'while-killed' }
    const answer = api(site.server, 'POST', path, { body: asked }).catch(() => undefined)
    await kill(site, 'api')
    await answer
    const again = await struck.ask<AddonJson>('POST', path, asked).catch((cause: Error) => cause.message)
    const told = typeof again === 'string' ? again : 'done'
    struck.outcomes.push(['create', 'in its request', 'api', told])
    expect(told).toMatch(/^done$|422 .*name_taken.* has while-killed already, .*paas addons:info while-killed/)
    const ones = (await addonsOf(site)).filter(({ name }) => name === asked.name)
    expect(ones).toHaveLength(1)
    expect(await struck.made(ones[0]!.id)).toBe('done')
    expect(await struck.sql(ones[0]!.id, 'SELECT 1')).toBe('1')
    await struck.destroy(ones[0]!.id)
    await struck.holds()
  })
})

describe.skipIf(!canRun)('a restore as of now, into a fork', () => {
  const steps: Steps = {
    'is on record': undefined,
    'is started': started('postgresql'),
    'gets the archive': /^container extract-to-dir postgresql/,
    'brings it back': program('restore'),
    'is asked whether it answers': program('health'),
  }
  it.each(stepsTimes(victims, steps))('with the %s killed when it %s has every row', async (victim, step) => {
    await struck.addRow()
    let id = ''
    const end = await struck.strike(['fork', step, victim], steps[step], async () => {
      ;({ id } = await struck.ask<AddonJson>('POST', `/addons/${struck.one}/actions/restore`, { at: 'latest' }))
      return () => struck.made(id)
    })
    expect(end).toBe('done')
    expect(await struck.count(id)).toBe(String(struck.rows))
    await struck.destroy(id)
    await struck.holds()
  })
})

describe.skipIf(!canRun)('pg:promote', () => {
  type Attachment = { name: string; addon: { id: string } }
  const current = async (): Promise<string> => {
    const all = await struck.ask<Attachment[]>('GET', `/apps/${struck.app.name}/addon-attachments`)
    return all.find(({ name }) => name === 'DATABASE')!.addon.id
  }
  const next = async () => ((await current()) === struck.one ? struck.other : struck.one)

  it.each(victims)(
    'with the %s killed as soon as it is on record has the app run with the other database',
    async (victim) => {
      const to = await next()
      const end = await struck.strike(['promote', 'is on record', victim], undefined, async () => {
        await struck.attach(to, 'DATABASE')
        return async () => ((await current()) === to ? 'done' : 'not promoted')
      })
      expect(end).toBe('done')
      await struck.holds()
      expect((await struck.app.get()).body).toBe(await struck.urlOf(to))
    },
  )

  it('with the api killed before it answers leaves the one or the other, and is done when asked again', async () => {
    const to = await next()
    const { app, site } = struck
    const body = { addon: to, app: app.name, name: 'DATABASE', confirm: app.name }
    const answer = api(site.server, 'POST', '/addon-attachments', { body }).catch(() => undefined)
    await kill(site, 'api')
    await answer
    const now = await current()
    struck.outcomes.push(['promote', 'in its request', 'api', now === to ? 'done' : 'not on record'])
    expect([struck.one, struck.other]).toContain(now)
    await struck.holds()
    const told = await struck.attach(to, 'DATABASE').catch((cause: Error) => cause.message)
    expect(told ?? 'done').toMatch(/^done$|422 .* is attached to \S+ as DATABASE already\./)
    await struck.holds()
    expect((await app.get()).body).toBe(await struck.urlOf(to))
    if (to !== struck.one) await struck.attach(struck.one, 'DATABASE')
    await struck.holds()
  })
})
