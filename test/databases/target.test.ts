import { readdir, readFile, writeFile } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTarget } from '../backups/backups.ts'
import { commandLine, childrenOf } from '../helpers/processes.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { Database } from './database.ts'

const run = promisify(execFile)

let server: TestServer
let target: Awaited<ReturnType<typeof openTarget>>
let database: Database
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
    const fork = await database.beginRestore({ at: 'latest' })
    process.kill(shipper(), 'SIGKILL')
    await fork.made()
    expect(await fork.sql('SELECT max(id) FROM visits')).toBe('1002')
  })
})
