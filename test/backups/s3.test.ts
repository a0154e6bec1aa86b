import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Restic } from '../../src/backups/restic.ts'
import { digestOf } from '../../src/backups/sums.ts'
import { canMount, SmallDisk } from '../helpers/small-disk.ts'
import { startServer } from '../helpers/server.ts'
import { removeFromEngine } from '../helpers/engine.ts'
import { backup, loseMachine } from './backups.ts'
import { S3Server, s3Program, whyNoS3 } from './s3-server.ts'

const never = new AbortController().signal
const names = { file: 'stream', tag: 'test', host: 'host' }

let directory: string
let passphraseFile: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paas-s3-test-'))
  passphraseFile = join(directory, 'passphrase')
  await writeFile(passphraseFile, 'correct horse\n', { mode: 0o600 })
})
afterAll(() => rm(directory, { recursive: true, force: true }))

function restic(repository: string, patience = { answer: 20_000, transfer: 20_000 }): Restic {
  return new Restic({ repository, passphraseFile, patience, cacheDirectory: join(directory, 'cache') })
}

async function withKeys<T>(keys: Record<string, string>, work: () => Promise<T>): Promise<T> {
  Object.assign(process.env, keys)
  return work().finally(() => {
    for (const name of Object.keys(keys)) delete process.env[name]
  })
}

/** So many MiB that no compression makes smaller, and their SHA-256. */
function noise(mebibytes: number): { stream: Readable; sum: () => string } {
  const hash = createHash('sha256')
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let i = 0; i < mebibytes; i++) {
      const chunk = randomBytes(2 ** 20)
      hash.update(chunk)
      yield chunk
    }
  }
  return { stream: Readable.from(chunks(), { objectMode: false }), sum: () => hash.digest('hex') }
}

describe.skipIf(s3Program === undefined)(
  `an S3-compatible store${whyNoS3 === undefined ? '' : ` (skipped: ${whyNoS3})`}`,
  () => {
    let s3: S3Server
    beforeAll(async () => {
      s3 = await S3Server.start()
    })
    afterAll(() => s3?.[Symbol.asyncDispose]())

    it('gets a whole server and gives it back', async () => {
      const env = {
        ...s3.keys,
        PAAS_BACKUP_TARGET: s3.place('backups', 'server'),
        PAAS_BACKUP_PASSPHRASE_FILE: passphraseFile,
      }
      const server = await startServer({ env: { ...env, PAAS_BACKUP_AT: 'off' } })
      try {
        const made = await backup(server.env)
        expect(made.output).toMatch(/holds 0 apps, .*; all of it was read back/)
        await loseMachine(server, removeFromEngine)
        const restored = await backup(server.env, '--restore')
        expect(restored.output).toMatch(/has 0 apps as of/)
      } finally {
        await server.stop()
      }
    })

    it('gets a stream of many parts and gives it back bit for bit', async () => {
      await withKeys(s3.keys, async () => {
        const target = restic(s3.place('backups', 'stream'))
        await target.open({ make: true, signal: never })
        const { stream, sum } = noise(96)
        const stored = await target.storeStream(stream, names, never)
        expect(stored.bytes).toBe(96 * 2 ** 20)
        expect(await target.read(stored.snapshot, names.file, { use: digestOf, signal: never })).toBe(sum())
        const objects = await readdir(join(s3.directory, 'data/backups/stream/data'), { recursive: true })
        expect(objects.length).toBeGreaterThan(5)
      })
    })

    it.each<[string, (keys: S3Server['keys']) => S3Server['keys'], string, RegExp]>([
      [
        'an unknown key',
        (keys) => ({ ...keys, AWS_ACCESS_KEY_ID: 'nobody' }),
        'backups',
        /it does not know the access key/,
      ],
      ['a wrong secret', (keys) => ({ ...keys, AWS_SECRET_ACCESS_KEY: 'wrong' }), 'backups', /the secret key is wrong/],
      ['no bucket of that name', (keys) => keys, 'nothing', /there is no such bucket/],
    ])('is refused with %s, in one sentence', async (_, keys, bucket, why) => {
      await withKeys(keys(s3.keys), async () => {
        const opened = restic(s3.place(bucket, 'refused')).open({ make: true, signal: never })
        await expect(opened).rejects.toMatchObject({
          code: 'backup_target_refused',
          message: expect.stringMatching(why),
        })
      })
    })

    it('is refused where the key is that of a user who may not write there (403)', async () => {
      const keys = await s3.addStranger()
      await withKeys(keys, async () => {
        const opened = restic(s3.place('backups', 'other')).open({ make: true, signal: never })
        await expect(opened).rejects.toMatchObject({
          code: 'backup_target_refused',
          message: expect.stringMatching(/it denies access/),
        })
      })
    })

    it('that hangs in the midst of a transfer is given up, and the half is no backup', async () => {
      await using own = await S3Server.start()
      await withKeys(own.keys, async () => {
        const target = restic(own.place(), { answer: 20_000, transfer: 2_000 })
        await target.open({ make: true, signal: never })
        const { stream } = noise(400)
        let sent = 0
        stream.on('data', (chunk: Buffer) => {
          sent += chunk.length
          if (sent === 32 * 2 ** 20) own.process.kill('SIGSTOP')
        })
        await expect(target.storeStream(stream, names, never)).rejects.toMatchObject({
          code: 'backup_target_refused',
          message: expect.stringMatching(/nothing went on for 2 s/),
        })
        own.process.kill('SIGCONT')
        expect(await target.snapshots(names.tag, never)).toEqual([])
      })
    }, 60_000)
  },
)

it('a store that takes connections and never answers is given up', async () => {
  const deaf = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(deaf, 'listening')
  try {
    await withKeys({ AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }, async () => {
      const { port } = deaf.address() as AddressInfo
      const place = restic(`s3:http://127.0.0.1:${port}/backups`, { answer: 2_000, transfer: 2_000 })
      await expect(place.open({ make: true, signal: never })).rejects.toMatchObject({
        code: 'backup_target_refused',
        message: expect.stringMatching(/it gave no answer within 2 s/),
      })
    })
  } finally {
    deaf.close()
  }
})

it('a source that breaks off leaves no backup, and its own error', async () => {
  const target = restic(join(directory, 'broken-off'))
  await target.open({ make: true, signal: never })
  async function* breaking(): AsyncGenerator<Buffer> {
    yield randomBytes(2 ** 20)
    throw new Error('the disk went away')
  }
  const stored = target.storeStream(Readable.from(breaking(), { objectMode: false }), names, never)
  await expect(stored).rejects.toThrow('the disk went away')
  expect(await target.snapshots(names.tag, never)).toEqual([])
})

it.skipIf(!canMount)('a directory whose disk is full says so, and has the backup before', async () => {
  using disk = new SmallDisk({ mebibytes: 48, inodes: 4000 })
  const target = restic(join(disk.path, 'backups'))
  await mkdir(disk.path, { recursive: true })
  await target.open({ make: true, signal: never })
  const first = noise(8)
  const stored = await target.storeStream(first.stream, names, never)
  await expect(target.storeStream(noise(80).stream, names, never)).rejects.toMatchObject({
    code: 'backup_target_refused',
    message: expect.stringMatching(/its disk is full/),
  })
  expect(await target.read(stored.snapshot, names.file, { use: digestOf, signal: never })).toBe(first.sum())
})
