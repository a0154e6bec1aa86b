import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { StoreDirectory } from './test-store.ts'

const writer = resolve(import.meta.dirname, 'writer.ts')
const run = promisify(execFile)

/** A directory with one app in it, and nobody who has it open. */
function prepare(): StoreDirectory {
  const files = new StoreDirectory()
  using store = files.open()
  const { id } = store.accounts.create({ email: 'owner@example.com', admin: false })
  store.apps.create({ name: 'acme', ownerId: id, stack: 'debian-13' })
  return files
}

/** Writes until `releases` were acknowledged, then is killed in the midst of it. Gives the numbers it was told. */
async function writeAndKill({ path, keyPath }: StoreDirectory, releases: number): Promise<number[]> {
  const child = spawn(process.execPath, [writer, path, keyPath, 'acme'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    if (output.split('\n').length > releases) child.kill('SIGKILL')
  })
  await ended
  return output.split('\n').slice(0, -1).map(Number)
}

function versions(files: StoreDirectory): Set<number> {
  using store = files.open()
  const app = store.apps.find('acme')
  return new Set(app && store.releases.list(app.id).map(({ version }) => version))
}

function flipByte(path: string, position: number): void {
  const file = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  readSync(file, byte, 0, 1, position)
  writeSync(file, Buffer.from([byte[0]! ^ 0xff]), 0, 1, position)
  closeSync(file)
}

describe('what was acknowledged', () => {
  it('is there after kill -9 in the midst of commits, again and again', async () => {
    using files = prepare()
    const acknowledged: number[] = []
    for (let round = 0; round < 25; round += 1) acknowledged.push(...(await writeAndKill(files, 3 + (round % 7))))
    expect(acknowledged.length).toBeGreaterThanOrEqual(25 * 3)
    const present = versions(files)
    expect(acknowledged.filter((version) => !present.has(version))).toEqual([])
  })

  it('is there when two processes write at the same time, each release with its own number', async () => {
    using files = prepare()
    const write = () => run(process.execPath, [writer, files.path, files.keyPath, 'acme', '150'])
    const outputs = await Promise.all([write(), write()])
    const numbers = outputs.flatMap(({ stdout }) => stdout.trim().split('\n').map(Number))
    expect(new Set(numbers).size).toBe(300)
    expect(versions(files)).toEqual(new Set([1, ...numbers]))
    using store = files.open()
    const config = store.configVars.get(store.apps.find('acme')!.id)
    expect(Object.values(config)).toEqual(['149', '149'])
  })
})

describe('a record that lost something', () => {
  it('is refused when a byte of its log has flipped, where SQLite itself sees nothing wrong', async () => {
    using files = prepare()
    await writeAndKill(files, 30)
    flipByte(`${files.path}-wal`, Math.floor(statSync(`${files.path}-wal`).size / 2))
    const damaged = readFileSync(`${files.path}-wal`)
    expect(() => files.open()).toThrow(
      expect.objectContaining({ code: 'database_damaged', message: expect.stringMatching(/lost its newest changes/) }),
    )
    expect(readFileSync(`${files.path}-wal-damaged`).equals(damaged)).toBe(true)
    using plain = new DatabaseSync(files.path)
    expect(plain.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
  })

  it('is refused when its log ends early or is gone, until the loss is accepted', async () => {
    using files = prepare()
    const acknowledged = await writeAndKill(files, 30)
    truncateSync(`${files.path}-wal`, Math.floor(statSync(`${files.path}-wal`).size / 2))
    expect(() => files.open()).toThrow(expect.objectContaining({ code: 'database_damaged' }))
    rmSync(`${files.path}-wal`, { force: true })
    expect(() => files.open()).toThrow(expect.objectContaining({ hint: expect.stringContaining('paas.db-commits') }))
    rmSync(`${files.path}-commits`)
    expect(versions(files).size).toBeLessThan(acknowledged.length)
  })

  it('is refused when pages of the database are damaged', async () => {
    using files = prepare()
    const { size } = statSync(files.path)
    const file = openSync(files.path, 'r+')
    for (let page = 1; page < size / 4096; page += 1) writeSync(file, Buffer.alloc(16, 0xff), 0, 16, page * 4096)
    closeSync(file)
    expect(() => files.open()).toThrow(expect.objectContaining({ code: 'database_damaged' }))
  })

  it('says so when an encrypted value is damaged, or was put in another place', () => {
    using files = prepare()
    using store = files.open()
    const app = store.apps.find('acme')!
    store.configVars.update(app.id, { A: 'one', B: 'two' })
    using plain = new DatabaseSync(files.path)
    plain.exec(`UPDATE config_vars SET value = (SELECT value FROM config_vars WHERE key = 'A') WHERE key = 'B'`)
    expect(() => store.configVars.get(app.id)).toThrow(expect.objectContaining({ code: 'database_damaged' }))
  })
})

describe('opening', () => {
  it('makes files that are closed to others', () => {
    using files = new StoreDirectory()
    using _store = files.open()
    for (const path of [files.path, `${files.path}-wal`, `${files.path}-commits`, files.keyPath]) {
      expect([path, statSync(path).mode & 0o007]).toEqual([path, 0])
    }
  })

  it('for the first time by several processes at once gives all of them one record', async () => {
    using files = new StoreDirectory()
    const open = `
      const { openStore } = await import(${JSON.stringify(resolve(import.meta.dirname, '../../src/store/open.ts'))})
      using store = openStore(${JSON.stringify({ path: files.path, keyPath: files.keyPath })})
      console.log(store.secretFor('test').toString('hex'))`
    const opened = await Promise.all(
      Array.from({ length: 6 }, () => run(process.execPath, ['--input-type=module', '--eval', open])),
    )
    expect(new Set(opened.map(({ stdout }) => stdout.trim())).size).toBe(1)
  })

  it.each([
    ['is missing', (path: string) => rmSync(path), 'is missing'],
    ['is another one', (path: string) => writeFileSync(path, Buffer.alloc(32, 7)), 'does not belong'],
    ['is cut', (path: string) => truncateSync(path, 31), 'has 31 bytes instead of 32'],
  ])('is refused when the key %s, and makes no new one', (_, damage, text) => {
    using files = prepare()
    damage(files.keyPath)
    const existed = existsSync(files.keyPath)
    expect(() => files.open()).toThrow(
      expect.objectContaining({ code: 'data_key_wrong', message: expect.stringContaining(text) }),
    )
    expect(existsSync(files.keyPath)).toBe(existed)
  })

  it('is refused for a schema of a newer version, which stays as it is', () => {
    using files = prepare()
    using plain = new DatabaseSync(files.path)
    plain.exec('PRAGMA user_version = 999')
    expect(() => files.open()).toThrow(expect.objectContaining({ code: 'data_directory_newer' }))
    expect(plain.prepare('PRAGMA user_version').get()).toEqual({ user_version: 999 })
  })

  it('is refused for the database of another program, which stays as it is', () => {
    using files = new StoreDirectory()
    using plain = new DatabaseSync(files.path)
    plain.exec('CREATE TABLE theirs (x)')
    const before = readFileSync(files.path)
    expect(() => files.open()).toThrow(expect.objectContaining({ code: 'data_directory_foreign' }))
    expect(readFileSync(files.path).equals(before)).toBe(true)
  })

  it('is refused for what is no database', () => {
    using files = new StoreDirectory()
    writeFileSync(files.path, 'This is a text. '.repeat(1000))
    expect(() => files.open()).toThrow(expect.objectContaining({ code: 'database_damaged' }))
  })
})
