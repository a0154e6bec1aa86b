import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Config } from '../../src/config.ts'
import { brokenOff, noteBackup, type ServerBackup } from '../../src/backups/history.ts'
import { keepArchivesStored } from '../../src/supervisor/archives.ts'
import { backUpDaily } from '../../src/supervisor/backups.ts'
import { runBeside } from '../../src/supervisor/beside.ts'
import { settleRouter } from '../../src/supervisor/router.ts'
import { commandLine } from '../helpers/processes.ts'

/** Programs that the server runs beside its roles: whatever becomes of them, it goes on, and ends as ever. */

let directory: string
let said: { message: string; code: unknown }[]
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'paas-beside-'))
  said = []
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  rmSync(directory, { recursive: true })
})

/** One that says its pid in a file and does what `then` says. */
function program(name: string, then: string): { pid: () => Promise<number> } {
  const file = join(directory, 'pid')
  const text = `import { renameSync, writeFileSync } from 'node:fs'
writeFileSync('${file}.new', String(process.pid))
renameSync('${file}.new', '${file}')
${then}
`
  writeFileSync(join(directory, `${name}.ts`), text)
  const read = (): number => Number(readFileSync(file, 'utf8'))
  return { pid: () => expect.poll(read).toBeGreaterThan(0).then(read) }
}

const log = {
  fd: 2,
  path: 'server.log',
  write: (_: string, message: string, { code }: { code?: unknown } = {}) => void said.push({ message, code }),
}
const options = () => ({
  config: {
    backup: { at: { hour: 3, minute: 0 } },
    paths: { backups: join(directory, 'backups') },
  } as unknown as Config,
  rolesDirectory: directory,
  env: process.env,
})
const lives = 'setInterval(() => undefined, 1000)'
const never = new AbortController().signal

describe('what the server runs beside its roles', () => {
  it('gives its exit code, and less than 0 where it cannot be started', async () => {
    program('doctor', 'process.exitCode = 3')
    const place = { rolesDirectory: directory, env: process.env, log }
    expect(await runBeside({ name: 'doctor' }, place, never)).toBe(3)
    vi.spyOn(process, 'execPath', 'get').mockReturnValue(join(directory, 'none'))
    expect(await runBeside({ name: 'doctor' }, place, never)).toBeLessThan(0)
  })

  it('a daily backup that is under way ends with the server', async () => {
    const backup = program('backup', lives)
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: new Date(2026, 0, 1, 2, 59, 59) })
    const daily = backUpDaily(options(), log)
    await vi.advanceTimersByTimeAsync(1000)
    vi.useRealTimers()
    const pid = await backup.pid()
    daily[Symbol.dispose]()
    await expect.poll(() => commandLine(pid)).toBe('')
  })

  it.each([
    ['its process ended in the midst of it', Date.now(), { kind: 'running' }],
    ['a signal stopped it', Date.now(), { kind: 'failed', code: 'backup_failed', reason: brokenOff }],
    ['there was no server at its hour', Date.now() - 25 * 3_600_000, { kind: 'succeeded' }],
  ])('a backup is made by the next server when %s', async (_, startedAt, state) => {
    const backup = program('backup', lives)
    const { backups } = options().config.paths
    mkdirSync(backups)
    await noteBackup(backups, { id: 'one', startedAt, endedAt: null, state } as ServerBackup)
    using _daily = backUpDaily(options(), log)
    expect(await backup.pid()).toBeGreaterThan(0)
  })

  it('what stores archives has ended when the server has', async () => {
    const archives = program('archives', lives)
    const stored = keepArchivesStored(options(), log)
    const pid = await archives.pid()
    await stored[Symbol.asyncDispose]()
    expect(commandLine(pid)).toBe('')
    expect(said).toEqual([])
  })
})

it('a router that ends by itself as its server does takes no other with it', async () => {
  const { pid } = spawnSync('true')
  const sockets = join(directory, 'router')
  mkdirSync(sockets)
  const path = join(sockets, 'control.sock')
  const gone = createServer((socket) => socket.resume().end(`${JSON.stringify({ result: { pid, pids: [pid] } })}\n`))
  await once(gone.listen(path), 'listening')
  await expect(settleRouter({ routerSocket: path, lock: '' }, 0)).resolves.toBeUndefined()
  gone.close()
})
