import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Rclone } from '../../src/backups/rclone.ts'
import { canMount, SmallDisk } from '../helpers/small-disk.ts'
import { S3Server, s3Program, whyNoS3 } from './s3-server.ts'

/** How archives go to the backup target, and what is said where it does not take them. */

const never = new AbortController().signal
/** Debian's. */
const authorities = '/etc/ssl/certs/ca-certificates.crt'
let directory: string
let files: string
let environment: NodeJS.ProcessEnv

beforeAll(async () => {
  environment = { ...process.env }
  directory = await mkdtemp(join(tmpdir(), 'paas-archive-target-'))
  files = join(directory, 'files')
  await mkdir(join(files, 'archive/main'), { recursive: true })
  await writeFile(join(files, 'archive/main/segment'), randomBytes(3 * 2 ** 20))
  await writeFile(join(files, 'archive.info'), 'table')
})
afterAll(async () => {
  process.env = environment
  await rm(directory, { recursive: true, force: true })
})

/** What it is refused with, and after how many seconds. */
async function refusal(target: Rclone): Promise<{ code: string; message: string; seconds: number }> {
  const begin = performance.now()
  const cause: unknown = await target.store(files, 'archives/a/1', never).then(
    () => new Error('it was taken'),
    (thrown: unknown) => thrown,
  )
  const { code = '', message } = cause as NodeJS.ErrnoException
  return { code, message, seconds: (performance.now() - begin) / 1000 }
}

describe.skipIf(s3Program === undefined)(
  `an archive on its way to an S3-compatible store${whyNoS3 === undefined ? '' : ` (skipped: ${whyNoS3})`}`,
  () => {
    let s3: S3Server
    beforeAll(async () => {
      s3 = await S3Server.start()
    })
    afterAll(() => s3?.[Symbol.asyncDispose]())

    function withKeys(keys: Record<string, string>): void {
      process.env = { ...environment, ...keys }
    }

    it('comes back as it was, also where a bundle of authorities is named for AWS', async () => {
      withKeys({ ...s3.keys, AWS_CA_BUNDLE: authorities })
      const target = new Rclone({ repository: s3.place() })
      await target.store(files, 'archives/a/1', never)
      expect(await target.list('archives/a', never)).toEqual(['1/'])
      const back = join(directory, 'back')
      await target.fetch('archives/a/1', back, never)
      for (const name of ['archive/main/segment', 'archive.info'])
        expect((await readFile(join(back, name))).equals(await readFile(join(files, name)))).toBe(true)
      await target.remove('archives/a/1/archive.info', never)
      await target.remove('archives/a/1/archive.info', never)
      expect(await target.list('archives/a/1', never)).toEqual(['archive/'])
    })

    it.each<[string, Record<string, string>, string, RegExp]>([
      ['an unknown key', { AWS_ACCESS_KEY_ID: 'nobody' }, 'backups', /it does not know the access key\.$/],
      ['a wrong secret', { AWS_SECRET_ACCESS_KEY: 'wrong' }, 'backups', /the secret key is wrong\.$/],
      // A name that the words for damage are in.
      ['no bucket of that name', {}, 'no-match', /there is no such bucket\.$/],
    ])('is refused with %s, in one sentence', async (_, keys, bucket, why) => {
      withKeys({ ...s3.keys, ...keys })
      const said = await refusal(new Rclone({ repository: s3.place(bucket) }))
      expect(said).toMatchObject({ code: 'backup_target_refused', message: expect.stringMatching(why) })
      expect(said.message).not.toContain('\n')
    })

    it('is refused where the key may not write there (403)', async () => {
      withKeys(await s3.addStranger())
      expect(await refusal(new Rclone({ repository: s3.place() }))).toMatchObject({
        code: 'backup_target_refused',
        message: expect.stringMatching(/it denies access\.$/),
      })
    })

    it('that hangs is given up', async () => {
      await using own = await S3Server.start()
      withKeys(own.keys)
      own.process.kill('SIGSTOP')
      const { code, message, seconds } = await refusal(new Rclone({ repository: own.place(), patience: 2000 }))
      own.process.kill('SIGCONT')
      expect([code, message]).toEqual(['backup_target_refused', expect.stringMatching(/nothing went on for 2 s\.$/)])
      expect(seconds).toBeLessThan(10)
    })

    it.runIf(canMount)('that is full says so', async () => {
      using disk = new SmallDisk({ mebibytes: 24, inodes: 2000 })
      await using own = await S3Server.start({ data: disk.path })
      disk.fill()
      withKeys(own.keys)
      expect(await refusal(new Rclone({ repository: own.place() }))).toMatchObject({
        code: 'backup_target_refused',
        message: expect.stringMatching(/its disk is full\.$/),
      })
    })
  },
)

it('a store that takes connections and never answers is given up', async () => {
  const deaf = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(deaf, 'listening')
  try {
    process.env = { ...environment, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }
    const { port } = deaf.address() as AddressInfo
    const { message } = await refusal(new Rclone({ repository: `s3:http://127.0.0.1:${port}/b/paas`, patience: 2000 }))
    expect(message).toMatch(/nothing went on for 2 s\.$/)
  } finally {
    deaf.close()
  }
})

it('a store that nobody listens at cannot be reached', async () => {
  process.env = { ...environment, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  await once(closed.close(), 'close')
  const { message } = await refusal(new Rclone({ repository: `s3:http://127.0.0.1:${port}/b/paas` }))
  expect(message).toMatch(/it cannot be reached\.$/)
})

it.runIf(canMount)('a directory whose disk is full says so', async () => {
  using disk = new SmallDisk({ mebibytes: 24, inodes: 2000 })
  disk.fill()
  const { message } = await refusal(new Rclone({ repository: join(disk.path, 'backups') }))
  expect(message).toMatch(/its disk is full\.$/)
})
