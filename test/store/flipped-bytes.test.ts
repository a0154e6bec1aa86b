import { closeSync, openSync, readFileSync, readSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import type { PaasError } from '../../src/errors.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import { StoreDirectory } from './test-store.ts'

const page = 4096
const damaged = expect.objectContaining({ code: 'database_damaged' }) as Error

/** Tables and indices of several levels, and pages that are free again. */
function fill(store: Store): void {
  const { id: ownerId } = store.accounts.create({ email: 'owner@example.com', admin: false })
  store.transaction(() => {
    const { id: appId } = store.apps.create({ name: 'acme', ownerId, stack: 'debian-13' })
    const values = Array.from({ length: 300 }, (_, i) => [`KEY_${i}`, 'x'.repeat(1_000)])
    store.configVars.update(appId, Object.fromEntries(values))
    store.configVars.update(appId, Object.fromEntries(values.map(([key]) => [key, null])))
    const release = { appId, slugId: null, accountId: ownerId, config: {} }
    for (let i = 0; i < 600; i++) store.releases.create({ ...release, description: `Release of the number ${i}` })
  })
}

const aValue = (file: Buffer): number => file.indexOf('Release of the number 300') + 12

/** Where in the file a byte is turned over. */
const places: [string, (file: Buffer, pages: Pages) => number][] = [
  ['the header', () => 96],
  ['the part of a page that nothing is in', (_, pages) => pages('releases', 'leaf') * page - page + 400],
  ['an interior page of a table', (_, pages) => pages('releases', 'internal') * page - 20],
  ['a value of a row', aValue],
  ['the name of an account', (file) => file.lastIndexOf('owner@example.com')],
  ['an index', (_, pages) => pages('sqlite_autoindex_releases_1', 'leaf') * page - 20],
  ['a page that is free', (file) => (file.readUInt32BE(32) - 1) * page + 2_000],
]

/** The number of the last page of a table or index. */
type Pages = (name: string, type: string) => number

function flip(path: string, place: (file: Buffer, pages: Pages) => number): void {
  const at = place(readFileSync(path), (name, type) => pageOf(path, name, type))
  const file = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  readSync(file, byte, 0, 1, at)
  writeSync(file, Buffer.from([byte[0]! ^ 0x04]), 0, 1, at)
  closeSync(file)
}

function pageOf(path: string, name: string, type: string): number {
  using db = new DatabaseSync(new URL(`file://${path}?immutable=1`), { readOnly: true })
  const sql = 'SELECT max(pageno) AS number FROM dbstat WHERE name = ? AND pagetype = ?'
  const { number } = db.prepare(sql).get(name, type) as { number: number | null }
  if (number === null) throw new Error(`${name} has no page of the type ${type}`)
  return number
}

describe('one byte of the database that has changed', () => {
  it.each(places)('in %s is noticed at the next start', (_, place) => {
    using files = new StoreDirectory()
    {
      using store = files.open()
      fill(store)
    }
    flip(files.path, place)
    expect(() => files.open()).toThrow(damaged)
  })

  it('is noticed while the record is open, with the page and its table, and at every start until somebody accepts it', () => {
    using files = new StoreDirectory()
    const told: PaasError[] = []
    {
      using store = files.open()
      fill(store)
    }
    {
      using store = openStore({ path: files.path, keyPath: files.keyPath, onDamage: (damage) => told.push(damage) })
      store.check()
      expect(told).toEqual([])
      flip(files.path, aValue)
      store.check()
      expect(told.map(({ message }) => message)).toEqual([
        expect.stringMatching(/these pages of 4096 bytes differ from what was written: \d+ \(releases\)\.$/),
      ])
      for (let i = 0; i < 100; i++) store.accounts.create({ email: `${i}@example.com`, admin: false })
      expect(told).toHaveLength(2)
    }
    expect(() => files.open()).toThrow(damaged)
    expect(() => files.open()).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/was found damaged before/) }),
    )
    rmSync(`${files.path}-sums`)
    using store = files.open()
    expect(store.accounts.list()).toHaveLength(101)
  })
})

describe('what is no damage', () => {
  it('is a checkpoint by somebody else, or a log that was not brought in', () => {
    using files = new StoreDirectory()
    {
      using store = files.open()
      fill(store)
      store.check()
      store.accounts.create({ email: 'other@example.com', admin: false })
      using plain = new DatabaseSync(files.path)
      plain.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      store.accounts.create({ email: 'third@example.com', admin: false })
    }
    using again = files.open()
    again.check()
    expect(again.accounts.list()).toHaveLength(3)
  })

  it('is that the sums are gone, truncated or damaged themselves', () => {
    using files = new StoreDirectory()
    {
      using store = files.open()
      fill(store)
    }
    const sums = `${files.path}-sums`
    for (const damage of [() => truncateSync(sums, 100), () => writeFileSync(sums, 'k'), () => rmSync(sums)]) {
      damage()
      using store = files.open()
      expect(store.accounts.list()).toHaveLength(1)
    }
  })
})
