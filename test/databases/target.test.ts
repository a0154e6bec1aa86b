import { mkdir, readdir, readFile, rename, rmdir, writeFile } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import type { AddonId } from '../../src/model/ids.ts'
import { openTarget } from '../backups/backups.ts'
import { S3Server, s3Program, whyNoS3 } from '../backups/s3-server.ts'
import { api, until } from '../helpers/app.ts'
import { commandLine, childrenOf } from '../helpers/processes.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { canMount, SmallDisk } from '../helpers/small-disk.ts'
import { Database, type Backups } from './database.ts'

const run = promisify(execFile)

let server: TestServer
let target: Awaited<ReturnType<typeof openTarget>>
let database: Database
let fork: Database
const life = new AsyncDisposableStack()

beforeAll(async () => {
  target = life.use(await openTarget())
  server = life.use(await startServer({ env: target.env }))
  database = await Database.create(server)
  await database.sql('CREATE TABLE visits AS SELECT generate_series(1, 1000) AS id')
  await database.untilBackups(({ last_good: good }) => good !== null, 'the first backup is made')
}, 600_000)
afterAll(async () => {
  await life.disposeAsync()
})

async function stored(): Promise<string[]> {
  const serverId = (await server.serverId())!
  const directory = join(target.env['PAAS_BACKUP_TARGET']!, 'archives', serverId, database.id)
  const [archive = ''] = await readdir(directory)
  const files = await readdir(join(directory, archive), { recursive: true })
  return files.map((file) => join(directory, archive, file))
}

function shipper(): number {
  const found = childrenOf(server.pid).find((pid) => /\/archives\.[jt]s/.test(commandLine(pid)))
  if (found === undefined) throw new Error('nobody stores the archives')
  return found
}

describe('with a backup target', () => {
  it('what is written is there within a minute', async () => {
    const begin = Date.now()
    await database.sql('INSERT INTO visits VALUES (1001)')
    const { recovery_point_seconds: seconds } = await database.untilBackups(
      ({ recovery_point_seconds: lost }) => lost !== null && Date.now() - lost * 1000 > begin,
      'the target has what was written',
    )
    expect(seconds).toBeLessThanOrEqual(60)
    expect(Date.now() - begin).toBeLessThan(60_000)
    const files = await stored()
    expect(files.filter((path) => /\/archive\/main\/17-1\/\w+\/[0-9A-F]{24}-/.test(path)).length).toBeGreaterThan(0)
  })

  it('whose disk is not mounted gets nothing, and all that it lacks when it is', async () => {
    const place = target.env['PAAS_BACKUP_TARGET']!
    await rename(place, `${place}.away`)
    await mkdir(place)
    await database.sql('INSERT INTO visits VALUES (-1)')
    const { problem } = await database.untilBackups((now) => now.problem !== null, 'it says so')
    expect(problem).toMatch(
      /^The backup target \S+ cannot be used: what was stored there is gone\. .* remove \S+\.json$/,
    )
    expect(await readdir(place)).toEqual([])
    await rmdir(place)
    await rename(`${place}.away`, place)
    const begin = Date.now()
    await database.untilBackups(
      ({ recovery_point_seconds: lost, problem: now }) =>
        now === null && lost !== null && Date.now() - lost * 1000 > begin,
      'the target has what was written',
    )
  })

  it('a proof is about what is there: a file that is damaged at the target is noticed', async () => {
    expect(await database.prove()).toMatchObject({ status: 'succeeded', reason: null })
    const { last_good: good } = await database.backups()
    const bundle = (await stored()).find((path) => path.includes(`${good!.name}/bundle/`))!
    const whole = await readFile(bundle)
    await writeFile(bundle, Buffer.concat([whole.subarray(0, 3000), Buffer.from('damage'), whole.subarray(3006)]))
    expect(await database.prove()).toMatchObject({ status: 'failed' })
    await writeFile(bundle, whole)
  })

  it('a database whose archive and data are lost comes back from there, the process being killed meanwhile', async () => {
    await database.sql('INSERT INTO visits VALUES (1002)')
    const begin = Date.now()
    await database.untilBackups(
      ({ recovery_point_seconds: lost }) => lost !== null && Date.now() - lost * 1000 > begin,
      'the target has what was written',
    )
    const container = await database.container()
    await server.interrupt()
    const { stdout: volumes } = await run('docker', [
      'volume',
      'ls',
      '--quiet',
      '--filter',
      `label=paas.owner=${database.id}`,
    ])
    await run('docker', ['rm', '--force', container])
    await run('docker', ['volume', 'rm', ...volumes.trim().split('\n')])
    await server.start()
    fork = await database.beginRestore({ at: 'latest' })
    process.kill(shipper(), 'SIGKILL')
    await fork.made()
    expect(await fork.sql('SELECT max(id) FROM visits')).toBe('1002')
  })
})

const s3Lack = s3Program === undefined ? whyNoS3 : canMount ? undefined : 'only root may mount a small disk'

describe.skipIf(s3Lack !== undefined)(
  `a backup target that is changed to an S3-compatible store${s3Lack === undefined ? '' : ` (skipped: ${s3Lack})`}`,
  () => {
    let s3: S3Server
    let disk: SmallDisk
    let held: Database
    let port = 0
    let rows = 0

    beforeAll(async () => {
      disk = life.use(new SmallDisk({ mebibytes: 128, inodes: 8000 }))
      s3 = await S3Server.start({ data: disk.path })
      port = s3.port
      life.defer(() => s3[Symbol.asyncDispose]())
      await server.interrupt()
      Object.assign(server.env, s3.keys, { PAAS_BACKUP_TARGET: s3.place('backups') })
      await server.start()
      held = await Database.create(server, database.app)
      await held.sql('CREATE TABLE rows AS SELECT 0 AS n')
      await held.untilBackups(({ last_good: good }) => good !== null, 'the first backup is made')
    }, 200_000)

    /** The app goes on writing. */
    async function write(): Promise<number> {
      rows += 1
      await held.sql(`INSERT INTO rows SELECT ${rows}`)
      return Date.now()
    }

    /** Until all that was written by then is at the target. */
    async function stored(since: number, one = held): Promise<Backups> {
      return one.untilBackups(
        ({ recovery_point_seconds: lost, problem }) =>
          problem === null && lost !== null && Date.now() - lost * 1000 > since,
        'the target has what was written',
      )
    }

    /** Until it says that it is not stored, and why; then what would be lost is no less than that. */
    async function troubled(why: RegExp): Promise<void> {
      const begin = Date.now()
      const { problem, recovery_point_seconds: lost } = await held.untilBackups(
        (now) => why.test(now.problem ?? '') && now.recovery_point_seconds !== null,
        `it says ${why.source}`,
      )
      expect(problem).toMatch(/^The backup target s3:\S+ cannot be used: [^.\n]+\.$/)
      expect(lost! * 1000).toBeGreaterThanOrEqual(Date.now() - begin - 1000)
      expect(await infoOf(held)).toContainEqual({ name: 'Backup Problem', values: [problem] })
      await write()
    }

    it('gets all of each archive, and a proof finds it there', async () => {
      await stored(await write())
      expect(await held.prove()).toMatchObject({ status: 'succeeded', reason: null })
      // Of a database that is older than the change.
      await fork.sql('INSERT INTO visits VALUES (1003)')
      await stored(Date.now(), fork)
      expect(await fork.prove()).toMatchObject({ status: 'succeeded', reason: null })
    }, 200_000)

    it('that is away is told of, to the log too when it lasts, and gets what it lacks when it is back', async () => {
      await s3[Symbol.asyncDispose]()
      await write()
      await troubled(/it cannot be reached/)
      setStoredUntil(held, new Date(Date.now() - 660_000))
      await until('the log says so', async () =>
        /Error L22 \(backup missing\): \S+: nothing is stored at the backup target since .*it cannot be reached/.test(
          await held.log(),
        ),
      )
      const last = await write()
      s3 = await S3Server.start({ data: disk.path, port })
      await stored(last)
      await until('the log says that, too', async () =>
        (await held.log()).includes(`${held.name} is stored at the backup target again, up to`),
      )
      expect(await infoOf(held)).not.toContainEqual(expect.objectContaining({ name: 'Backup Problem' }))
    }, 200_000)

    it('that is full is told of, and gets what it lacks when there is room', async () => {
      disk.fill()
      await held.sql('CREATE TABLE noise AS SELECT md5(random()::text) FROM generate_series(1, 50000)')
      await troubled(/its disk is full/)
      const last = await write()
      disk.empty()
      await stored(last)
      expect(await held.prove()).toMatchObject({ status: 'succeeded', reason: null })
      expect(await held.sql('SELECT max(n) FROM rows')).toBe(String(rows))
    }, 200_000)
  },
)

type InfoLine = { name: string; values: string[] }

async function infoOf({ id }: Database): Promise<InfoLine[]> {
  return (await api<{ info: InfoLine[] }>(server, 'GET', `/addons/${id}/info`)).body.info
}

/** As if the target had been away for longer than a test takes. */
function setStoredUntil({ id }: Database, storedUntil: Date): void {
  const at = (name: string) => join(server.dataDirectory, name)
  using store = openStore({ path: at('paas.db'), keyPath: at('key') })
  store.addonBackups.setArchive(id as AddonId, { storedUntil })
}
