import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../helpers/app.ts'
import { addonsOf, victims } from './kills.ts'
import { program, saidEnd, started, stepsTimes, StruckSite, type Steps } from './struck-site.ts'

/**
 * kill -9 of the worker, the api and the engine at each step of backing a database up, loading a dump into it, and proving
 * a backup. Each time the record comes to an end that is so, the app has its database with all rows, nothing is left over,
 * and the same can be asked for again.
 */

const canRun = process.getuid?.() === 0
let struck: StruckSite

beforeAll(async () => {
  if (canRun) struck = await StruckSite.start()
}, 900_000)
afterAll(() => struck?.[Symbol.asyncDispose](), 240_000)

type Transfer = { uuid: string; num: number; finished_at: string | null; succeeded: boolean; to_url: string }

async function transferred(uuid: string): Promise<string> {
  const path = `/client/v11/apps/${struck.app.name}/transfers/${uuid}?verbose=true`
  const end = async (): Promise<string | false> => {
    const transfer = await struck.ask<Transfer & { logs: { message: string }[] }>('GET', path)
    const { finished_at: at, succeeded, logs } = transfer
    return at !== null && (succeeded ? 'done' : `failed: ${logs.at(-1)?.message}`)
  }
  return until('it has ended', end, 150_000)
}

async function nameOfOne(): Promise<string> {
  return (await addonsOf(struck.site)).find(({ id }) => id === struck.one)!.name
}

async function capture(): Promise<Transfer> {
  // Or it fails at once, and says so.
  expect(await struck.sql(struck.one, 'SELECT 1')).toBe('1')
  return struck.ask<Transfer>('POST', `/client/v11/databases/${await nameOfOne()}/backups`)
}

describe.skipIf(!canRun)('pg:backups:capture', () => {
  const steps: Steps = { 'is on record': undefined, dumps: program('dump') }
  it.each(stepsTimes(victims, steps))(
    'with the %s killed when it %s has an end, and is done when asked again',
    async (victim, step) => {
      const end = await struck.strike(['capture', step, victim], steps[step], async () => {
        const { uuid } = await capture()
        return () => transferred(uuid)
      })
      expect(end).toMatch(saidEnd)
      expect(await transferred((await capture()).uuid)).toBe('done')
      await struck.holds()
    },
  )

  it('with the worker killed in the midst of a dump leaves no program that reads on', async () => {
    const { one } = struck
    const table = `BEGIN; LOCK TABLE visits IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)`
    const locking = struck.sql(one, table).catch(() => undefined)
    const locks = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted"
    await until('it is locked', async () => (await struck.sql(one, locks)) !== '0')
    const unlock =
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
    try {
      const end = await struck.strike(['capture', 'waits for a table', 'worker'], program('dump'), async () => {
        const { uuid } = await capture()
        return () => transferred(uuid)
      })
      expect(end).toMatch(/^failed: The server was stopped/)
    } finally {
      await struck.sql(one, unlock)
      await locking
    }
    await struck.holds()
  })
})

describe.skipIf(!canRun)('pg:backups:restore', () => {
  const steps: Steps = { 'is on record': undefined, loads: program('load') }
  let whole: Transfer
  beforeAll(async () => {
    whole = await capture()
    await transferred(whole.uuid)
  })

  it.each(stepsTimes(victims, steps))(
    'with the %s killed when it %s has all of the backup, or all of what there was, and says which',
    async (victim, step) => {
      const { one, rows } = struck
      await struck.sql(one, 'DELETE FROM visits WHERE n > 10')
      const path = `/client/v11/databases/${await nameOfOne()}/restores`
      const restore = () => struck.ask<Transfer>('POST', path, { backup_url: whole.to_url })
      const end = await struck.strike(['restore', step, victim], steps[step], async () => {
        const { uuid } = await restore()
        return () => transferred(uuid)
      })
      expect(await struck.count(one)).toBe(end === 'done' ? String(rows) : '10')
      expect(end === 'done' ? end : await transferred((await restore()).uuid)).toBe('done')
      await struck.holds()
    },
  )
})

describe.skipIf(!canRun)('backups:prove', () => {
  const steps: Steps = {
    'is on record': undefined,
    'has a container': started('proof'),
    'brings it back': program('restore', 'proof'),
    compares: program('facts', 'proof'),
  }
  type Proof = { id: string; status: string; reason: string }
  it.each(stepsTimes(victims, steps))('with the %s killed when it %s proves the backup', async (victim, step) => {
    const end = await struck.strike(['prove', step, victim], steps[step], async () => {
      const { id } = await struck.ask<Proof>('POST', `/addons/${struck.one}/actions/prove`, {})
      const proof = async (): Promise<string | false> => {
        const { status, reason } = await struck.ask<Proof>('GET', `/addons/${struck.one}/proofs/${id}`)
        return status === 'succeeded' ? 'done' : status === 'failed' && `failed: ${reason}`
      }
      return () => until('it is over', proof, 120_000)
    })
    expect(end).toBe('done')
    await struck.holds()
  })
})
