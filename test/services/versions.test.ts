import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mirrorLines } from '../../src/build/stack/mirror.ts'
import { debianKeyring } from '../../src/build/stack/rootfs.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { RunningAddon } from './running.ts'

/**
 * Debian 12 has PostgreSQL 15, where the stack, Debian 13, has 17: it is the other source here, as
 * PGDG is elsewhere.
 */
const life = new AsyncDisposableStack()
let server: TestServer
let database: RunningAddon

beforeAll(async () => {
  const lines = await mirrorLines('bookworm')
  const [, url = 'http://deb.debian.org/debian'] =
    lines.find((line) => line.endsWith(' bookworm main'))?.split(' ') ?? []
  const env = { PAAS_PACKAGE_SOURCE: `${url} bookworm main`, PAAS_PACKAGE_SOURCE_KEY: debianKeyring }
  server = life.use(await startServer({ env }))
  database = life.use(await RunningAddon.create(server, 'postgresql', undefined, { version: '15' }))
}, 600_000)
afterAll(() => life.disposeAsync())

async function sql(statement: string): Promise<string> {
  const { stdout, stderr } = await database.paas(['pg:psql', '-c', statement])
  return stdout + stderr
}

describe('a database of another version', () => {
  it('runs that version, with only what Debian lacks from the other source', async () => {
    expect(await sql('SHOW server_version')).toContain('15.')
    expect((await database.info())['PG Version']).toMatch(/^15\./)
    const [image] = JSON.parse(
      execFileSync('docker', ['inspect', '--format', '[{{json .Image}}]', await database.container()], {
        encoding: 'utf8',
      }),
    ) as [string]
    const list = "dpkg-query --show --showformat '${Package} ${Version}\\n'"
    const packages = execFileSync('docker', ['run', '--rm', '--network=none', image, 'bash', '-c', list], {
      encoding: 'utf8',
    })
    const ofBookworm = packages.split('\n').filter((line) => /deb12|^libicu72|^libllvm14/.test(line))
    expect(ofBookworm.map((line) => line.split(' ')[0])).toEqual(
      expect.arrayContaining(['libicu72', 'libllvm14', 'postgresql-15', 'postgresql-client-15']),
    )
    for (const name of ['libc6', 'libssl3t64', 'postgresql-common', 'libpq5']) {
      expect(ofBookworm.find((line) => line.startsWith(`${name} `))).toBeUndefined()
    }
  })

  it('is backed up, restored to a moment, and proven in that version', async () => {
    await sql("CREATE TABLE visits AS SELECT n, 'visitor ' || n AS name FROM generate_series(1, 1000) AS n")
    expect((await database.program('backup full')).code).toBe(0)
    const { stdout: facts } = await database.program('facts')
    expect(facts).toMatch(/^public\.visits\t1000\t/m)
  })
})
