import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addonFacts, addonPosition, dumpAddon, loadAddon } from '../../src/services/dumps.ts'
import { never } from '../engine/support.ts'
import { RunningServices, type RunningService } from './running-service.ts'

let services: RunningServices
beforeAll(async () => {
  services = await RunningServices.open()
}, 600_000)
afterAll(() => services[Symbol.asyncDispose]())

const dump = (from: RunningService, signal = never) => dumpAddon(services, from.addon, signal)
const load = (to: RunningService, copy: Readable, signal = never) => loadAddon(services, to.addon, { copy }, signal)
const facts = (of: RunningService) => addonFacts(services, of.addon, never)

describe('a database of PostgreSQL', () => {
  let one: RunningService
  let other: RunningService

  beforeAll(async () => {
    ;[one, other] = await Promise.all([services.start('postgresql'), services.start('postgresql')])
    await sql(
      one,
      `
      CREATE EXTENSION hstore; CREATE SCHEMA "Odd ""name";
      CREATE TABLE "Odd ""name"."a table" (id serial PRIMARY KEY, at timestamptz DEFAULT '2026-11-27 03:04:05+05', note text);
      INSERT INTO "Odd ""name"."a table" (note) SELECT repeat(md5(i::text), 20) FROM generate_series(1, 20000) i;
      CREATE VIEW newest AS SELECT max(id) FROM "Odd ""name"."a table";
      CREATE TABLE points (p hstore); INSERT INTO points VALUES ('a=>1');
      SELECT lo_from_bytea(0, 'large');`,
    )
  }, 600_000)

  it('is copied to another, which holds the same', async () => {
    const wanted = await facts(one)
    expect(wanted).toEqual(wanted.toSorted())
    expect(wanted.join('\n')).toMatch(/^Odd "name\.a table\t20000\t-?\d+$/m)
    expect(await facts(other)).not.toEqual(wanted)
    expect(await load(other, await dump(one))).toEqual([])
    expect(await facts(other)).toEqual(wanted)
    await sql(other, 'UPDATE points SET p = $$a=>2$$')
    expect(await facts(other)).not.toEqual(wanted)
    await sql(other, 'CREATE TABLE mine (x int); DROP TABLE points')
  })

  it('is a dump that pg_restore lists', async () => {
    const content = await buffer(await dump(one))
    expect(content.subarray(0, 5).toString()).toBe('PGDMP')
  })

  it.each<[string, (whole: Buffer) => Buffer, RegExp]>([
    ['is none', () => Buffer.from('DROP TABLE points;\n'), /no dump in the custom format/],
    ['is empty', () => Buffer.alloc(0), /no dump in the custom format/],
    ['is cut off', (whole) => whole.subarray(0, whole.length - 5000), /end of file|could not read/],
    ['is cut off at its head', (whole) => whole.subarray(0, 300), /end of file|could not read/],
    [
      'was made of a newer version',
      (whole) => Buffer.from(whole.toString('latin1').replaceAll(/17\.(\d+)( \(Debian)/g, '18.$1$2'), 'latin1'),
      /made of PostgreSQL 18\.\d+; this database is PostgreSQL 17\.$/,
    ],
  ])('stays as it is where a dump %s', async (_what, change, message) => {
    const before = await facts(other)
    const broken = change(await buffer(await dump(one)))
    await expect(load(other, Readable.from([broken]))).rejects.toMatchObject({
      code: 'dump_unusable',
      message: expect.stringMatching(message),
    })
    expect(await facts(other)).toEqual(before)
    expect(await databases(other)).toHaveLength(2)
  })

  it('stays as it is where a dump stops coming, is given up or the connection goes, and nothing of it goes on', async () => {
    const before = await facts(other)
    const half = (await buffer(await dump(one))).subarray(0, 200_000)
    const failing = new PassThrough()
    failing.write(half)
    const loading = load(other, failing)
    failing.destroy(new Error('the line went dead'))
    await expect(loading).rejects.toThrow('the line went dead')

    const waiting = new PassThrough()
    waiting.write(half)
    const stop = new AbortController()
    const given = load(other, waiting, stop.signal)
    await expect.poll(() => databases(other)).toHaveLength(3)
    await expect(load(other, Readable.from([half]))).rejects.toThrow('Another dump is being loaded')
    stop.abort(new Error('enough'))
    await expect(given).rejects.toThrow('enough')
    expect(await facts(other)).toEqual(before)
    await expect.poll(() => databases(other)).toHaveLength(2)
  })

  it('that is killed while it loads has what it had, and no rest of the load', async () => {
    const before = await facts(other)
    const waiting = new PassThrough()
    waiting.write((await buffer(await dump(one))).subarray(0, 200_000))
    const loading = load(other, waiting)
    loading.catch(() => undefined)
    await expect.poll(() => databases(other)).toHaveLength(3)
    await other.isKilled()
    await expect(loading).rejects.toThrow('was not loaded')
    expect(await databases(other)).toHaveLength(2)
    expect(await facts(other)).toEqual(before)
  })

  it('that is killed once what was loaded has taken its place says so, when it is back', async () => {
    const before = await facts(other)
    await other.run('printf %s before >/data/loaded; printf %s killed >/data/loading')
    await other.run('createdb -h /tmp -U postgres "${SERVICE_DATABASE}_load"')
    await other.isKilled()
    expect(await other.run('cat /data/loaded')).toBe('before')
    await other.run('printf %s killed >/data/loading')
    await other.run('createdb -h /tmp -U postgres "${SERVICE_DATABASE}_former"')
    await other.isKilled()
    expect(await other.run('cat /data/loaded')).toBe('killed')
    expect(await databases(other)).toHaveLength(2)
    expect(await facts(other)).toEqual(before)
  })

  it('tells what it cannot do for the dump, and loads the rest', async () => {
    await sql(one, 'CREATE EXTENSION pg_buffercache', 'postgres')
    expect(await load(other, await dump(one))).toEqual([
      expect.stringContaining('permission denied to create extension "pg_buffercache"'),
      expect.stringContaining('extension "pg_buffercache" does not exist'),
    ])
    expect((await facts(other)).join('\n')).toMatch(/a table\t20000/)
    await sql(one, 'DROP EXTENSION pg_buffercache', 'postgres')
  })

  it('is loaded while an app connects to it again and again', async () => {
    const knocking = other.run(
      'for i in {1..60}; do psql -h /tmp -U "$SERVICE_USER" -d "$SERVICE_DATABASE" -c "SELECT pg_sleep(0.05)" >/dev/null 2>&1 || true; done',
    )
    await load(other, await dump(one))
    await knocking
    expect(await facts(other)).toEqual(await facts(one))
  })

  it('that does not run says so', async () => {
    const gone = { ...one.addon, id: other.addon.appId as never, name: 'gone' }
    await expect(dumpAddon(services, gone, never)).rejects.toMatchObject({
      code: 'dump_failed',
      message: 'gone is not running.',
    })
  })

  it('is copied in memory that does not grow with it', async () => {
    await sql(
      one,
      `CREATE TABLE big (x bytea);
      ALTER TABLE big ALTER x SET STORAGE EXTERNAL;
      INSERT INTO big SELECT decode(string_agg(md5(random()::text), ''), 'hex') FROM generate_series(1, 200) a, generate_series(1, 8192) b GROUP BY a`,
    )
    let most = 0
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20)
    const begin = process.memoryUsage.rss()
    const slow = (await dump(one)).pipe(new PassThrough())
    await load(other, slow)
    clearInterval(watch)
    console.log(`25 MiB were copied in ${Math.round((most - begin) / 2 ** 20)} MiB more memory`)
    expect(most - begin).toBeLessThan(100 * 2 ** 20)
    expect(await facts(other)).toEqual(await facts(one))
  })
})

describe('a database of Redis', () => {
  let one: RunningService
  let other: RunningService

  beforeAll(async () => {
    ;[one, other] = await Promise.all([services.start('redis', 'premium-0'), services.start('redis', 'premium-0')])
    await ask(one, 'SET greeting hello', 'RPUSH list a b c', 'SELECT 3', 'SET elsewhere 1')
    await one.run(`. $s/lib; for i in {1..20000}; do echo "SET key$i value$i"; done | ask --pipe`)
  }, 600_000)

  it('is copied to another, which holds the same, and still does when it is started again', async () => {
    const wanted = await facts(one)
    expect(wanted).toEqual([expect.stringMatching(/^all\t20003\t[0-9a-f]{40}$/), 'db0\t20002', 'db3\t1'])
    await ask(other, 'SET mine 1')
    expect(await load(other, await dump(one))).toEqual([])
    expect(await facts(other)).toEqual(wanted)
    await other.isKilled()
    expect(await facts(other)).toEqual(wanted)
  })

  it('says something else after anything was written, loaded or saved, and the same else, also after a dump', async () => {
    const position = () => addonPosition(services, one.addon, never)
    const copy = await buffer(await dump(one))
    const said = [await position()]
    await dump(one).then(buffer)
    await facts(one)
    expect(await position()).toBe(said[0])
    for (const change of [
      () => ask(one, 'SET mine 1'),
      () => load(one, Readable.from([copy])),
      async () => {
        await ask(one, 'SAVE', 'SET mine 1')
        await ask(one, 'DEL mine')
      },
    ]) {
      await change()
      const next = await position()
      expect(said).not.toContain(next)
      said.push(next)
    }
  })

  it('of a plan that keeps nothing is copied too', async () => {
    const cache = await services.start('redis', 'mini')
    await load(cache, await dump(one))
    expect(await facts(cache)).toEqual(await facts(one))
  })

  it.each<[string, (whole: Buffer) => Buffer, RegExp]>([
    ['is none', () => Buffer.from('SET a b\n'), /no file of Redis/],
    ['is cut off', (whole) => whole.subarray(0, whole.length - 100), /cannot be read/],
    ['has a wrong byte', (whole) => Buffer.from(whole).fill(7, 5000, 5001), /cannot be read/],
    [
      'was made by a newer version',
      (whole) => Buffer.concat([Buffer.from('REDIS0099'), whole.subarray(9)]),
      /version 99/,
    ],
  ])('stays as it is where a file %s', async (_what, change, message) => {
    await ask(other, 'SET mine 2')
    const before = await facts(other)
    await expect(load(other, Readable.from([change(await buffer(await dump(one)))]))).rejects.toMatchObject({
      code: 'dump_unusable',
      message: expect.stringMatching(message),
    })
    expect(await facts(other)).toEqual(before)
  })

  it('stays as it is where the file stops coming', async () => {
    const before = await facts(other)
    const failing = new PassThrough()
    failing.write((await buffer(await dump(one))).subarray(0, 1000))
    const loading = load(other, failing)
    await delay(0)
    failing.destroy(new Error('the line went dead'))
    await expect(loading).rejects.toThrow('the line went dead')
    expect(await facts(other)).toEqual(before)
  })
})

async function sql(of: RunningService, text: string, user = '"$SERVICE_USER"'): Promise<string> {
  const quoted = `'${text.replaceAll("'", String.raw`'\''`)}'`
  return of.run(`psql -h /tmp -U ${user} -d "$SERVICE_DATABASE" -v ON_ERROR_STOP=1 -qAtc ${quoted}`)
}

/** `postgres` and its own, but for templates. */
async function databases(of: RunningService): Promise<string[]> {
  return (await sql(of, 'SELECT datname FROM pg_database WHERE NOT datistemplate', 'postgres')).split('\n')
}

async function ask(of: RunningService, ...lines: string[]): Promise<void> {
  await of.run(`. $s/lib; printf '${lines.join('\\n')}\\n' | ask`)
}
