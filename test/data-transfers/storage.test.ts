import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, describe, expect, it } from 'vitest'
import { Restic } from '../../src/backups/restic.ts'
import { FileStorage } from '../../src/data-transfers/file-storage.ts'
import { Storages, type BackupStorage } from '../../src/data-transfers/storage.ts'
import { Summed } from '../../src/services/summed.ts'
import { TargetStorage } from '../../src/data-transfers/target-storage.ts'
import type { DataTransferId } from '../../src/model/ids.ts'

const directory = await mkdtemp(join(tmpdir(), 'paas-storage-'))
afterAll(() => rm(directory, { recursive: true }))
const never = new AbortController().signal
const newId = () => randomUUID() as DataTransferId

const files = new FileStorage(join(directory, 'files'))
const restic = new Restic({
  repository: join(directory, 'target/dumps'),
  passphrase: 'secret',
  cacheDirectory: join(directory, 'cache'),
})
const target = new TargetStorage({ restic, serverId: 'one', keepDays: 30 })

describe.each<[string, BackupStorage]>([
  ['a directory', files],
  ['the backup target', target],
])('%s', (_what, storage) => {
  it('gives back what was stored, until it is removed', async () => {
    const content = randomBytes(3_000_000)
    const place = await storage.store(newId(), Readable.from([content]), never)
    expect((await buffer(storage.read(place, never))).equals(content)).toBe(true)
    await storage.remove([place], never)
    await expect(buffer(storage.read(place, never))).rejects.toThrow(/no such file|no matching ID|ENOENT/i)
  })

  it('has nothing of a stream that breaks off, or is given up', async () => {
    const known = await everything()
    const breaking = new PassThrough()
    breaking.write(randomBytes(100_000))
    const stored = storage.store(newId(), breaking, never)
    breaking.destroy(new Error('the line went dead'))
    await expect(stored).rejects.toThrow('the line went dead')
    const stop = new AbortController()
    const endless = new PassThrough()
    endless.write(randomBytes(100_000))
    const given = storage.store(newId(), endless, stop.signal)
    stop.abort(new Error('enough'))
    await expect(given).rejects.toThrow(/enough|aborted/)
    expect(await everything()).toEqual(known)
  })
})

it('what a record leads to stays when a directory is tidied, and what is under way', async () => {
  const kept = await files.store(newId(), Readable.from(['kept']), never)
  const lost = await files.store(newId(), Readable.from(['lost']), never)
  // Begun after the list was made.
  await files.tidy(new Set([kept]))
  expect((await buffer(files.read(lost, never))).toString()).toBe('lost')
  await new FileStorage(join(directory, 'files')).tidy(new Set([kept]))
  expect(await readdir(join(directory, 'files'))).toEqual([`${kept.slice('file:'.length)}.dump`])
})

it('a target keeps what its record has lost for as long as backups are kept', async () => {
  const place = await target.store(newId(), Readable.from(['lost']), never)
  await target.tidy(new Set(), never)
  expect((await buffer(target.read(place, never))).toString()).toBe('lost')
})

it('what was stored before there was a target is read still, and what is there after it is gone is missed', async () => {
  const place = await files.store(newId(), Readable.from(['old']), never)
  const both = new Storages({ files, target })
  expect((await buffer(both.read(place, never))).toString()).toBe('old')
  const there = await both.store(newId(), Readable.from(['new']), never)
  expect(() => new Storages({ files, target: undefined }).read(there, never)).toThrow('does not use any more')
})

it('a stream whose bytes are not those that were stored fails before its end', async () => {
  const summed = new Summed()
  Readable.from(['a', 'b']).pipe(summed)
  expect((await buffer(summed)).toString()).toBe('ab')
  await expect(buffer(Readable.from(['ac']).pipe(new Summed(summed.sha256)))).rejects.toMatchObject({
    code: 'backup_damaged',
  })
})

it('damage at rest is noticed when a backup is read', async () => {
  const place = await files.store(newId(), Readable.from([randomBytes(10_000)]), never)
  await truncate(join(directory, 'files', `${place.slice('file:'.length)}.dump`), 9_000)
  const summed = new Summed()
  const read = await buffer(files.read(place, never).pipe(summed))
  expect([read.length, summed.bytes]).toEqual([9_000, 9_000])
})

it('a large stream is stored and read in memory that does not grow with it', async () => {
  const piece = randomBytes(1 << 20)
  const pieces = 200
  function* produce() {
    for (let n = 0; n < pieces; n++) yield Buffer.concat([Buffer.from(String(n)), piece])
  }
  const begin = process.memoryUsage.rss()
  let most = 0
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20)
  const summed = new Summed()
  const place = await target.store(newId(), Readable.from(produce()).pipe(summed), never)
  const again = new Summed(summed.sha256)
  again.resume()
  await new Promise<void>((resolve, reject) => {
    target.read(place, never).on('error', reject).pipe(again).on('error', reject).on('end', resolve)
  })
  clearInterval(watch)
  console.log(`${pieces} MiB went to the target and back in ${Math.round((most - begin) / 2 ** 20)} MiB more memory`)
  expect(again.bytes).toBe(summed.bytes)
  expect(most - begin).toBeLessThan(120 * 2 ** 20)
})

async function everything(): Promise<unknown> {
  const here = await readdir(join(directory, 'files')).catch(() => [])
  const exists = await restic.open({ make: false, signal: never })
  return [here, exists ? (await restic.snapshots('paas-dump', never)).length : 0]
}
