import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { api, until } from '../helpers/app.ts'
import { removeFromEngine } from '../helpers/engine.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { canMount, SmallDisk } from '../helpers/small-disk.ts'
import { RunningAddon } from '../services/running.ts'
import { backup, loseMachine, openTarget } from './backups.ts'
import { addNotesService } from './notes-service.ts'

/** What add-ons hold is in the server's backup, whatever happens to their dumps. */

const run = promisify(execFile)
const program = resolve(import.meta.dirname, '../../src/main/backup.ts')

let target: Awaited<ReturnType<typeof openTarget>>
let server: TestServer
let notes: RunningAddon
let others: RunningAddon

beforeAll(async () => {
  target = await openTarget()
  server = await startServer({ env: target.env })
  await addNotesService(server.dataDirectory)
  notes = await RunningAddon.create(server, 'notes')
  others = await RunningAddon.create(server, 'notes', notes.app)
  await notes.shell('echo one >/data/notes; echo -n blue >/data/option-colour')
  await others.shell('echo two >/data/notes')
}, 400_000)
afterAll(async () => {
  await server?.stop()
  await target[Symbol.asyncDispose]()
})

/** What runs beside a service. */
const beside = async (addon: RunningAddon): Promise<string> =>
  (await run('docker', ['top', await addon.container()])).stdout

it('a dump that fails half way makes a backup that is not complete, says so, and has the rest', async () => {
  await notes.shell('touch /data/fails')
  const made = await backup(server.env)
  await notes.shell('rm /data/fails')
  expect(made.output).toMatch(
    /backup [0-9a-f]{8} is not complete: it holds 1 app, 1 add-on, .*; all of it was read back/,
  )
  expect(made.output).toContain(
    `it lacks the data of the add-on ${notes.name}: ${notes.name} could not be dumped: the notes are torn.`,
  )
  expect(made.code).toBe(3)
  expect((await backup(server.env, '--list')).output).toMatch(/1 add-on .*\n {2}lacks the data of the add-on/)
}, 120_000)

it('an add-on that is down, and one whose service cannot dump, are named', async () => {
  await addNotesService(server.dataDirectory, { name: 'mute', without: ['dump'] })
  const mute = await RunningAddon.create(server, 'mute', notes.app)
  await server.interrupt() // it would start it again
  await run('docker', ['stop', '--time', '5', await notes.container()])
  const made = await backup(server.env)
  await server.start()
  await api(server, 'DELETE', `/apps/${mute.app}/addons/${mute.id}`)
  await until('the add-on runs again', async () => (await beside(notes).catch(() => '')) !== '')
  expect(made.output).toMatch(new RegExp(`it lacks the data of the add-on ${notes.name}: ${notes.name} is not running`))
  expect(made.output).toMatch(new RegExp(`it lacks the data of the add-on ${mute.name}: .* has no program "dump"`))
  expect(made.output).toMatch(/holds 1 app, 1 add-on, /)
  expect(made.code).toBe(3)
}, 120_000)

it('a backup that is killed in the midst of a dump leaves nothing that the next one does not take away', async () => {
  await notes.shell('touch /data/hangs')
  const killed = spawn(process.execPath, [program], { env: server.env, stdio: 'ignore' })
  await until('the dump goes on', async () => (await beside(notes)).includes('service/dump'))
  killed.kill('SIGKILL')
  await once(killed, 'close')
  await notes.shell('rm /data/hangs')
  const made = await backup(server.env)
  expect(made).toMatchObject({ code: 0, output: expect.stringMatching(/holds 1 app, 2 add-ons, /) })
  await expect.poll(() => beside(notes)).not.toContain('service/dump')
  expect(existsSync(join(server.dataDirectory, 'backups/taken'))).toBe(false)
  expect((await backup(server.env, '--list')).output.split('\n')[1]).toMatch(
    /failed: It was stopped in the midst of it/,
  )
}, 120_000)

it.runIf(canMount)(
  'a target that gets full fails the backup, and neither the add-on nor the next backup',
  async () => {
    using disk = new SmallDisk({ mebibytes: 48, inodes: 8192 })
    await notes.shell('touch /data/long')
    const made = await backup({ ...server.env, PAAS_BACKUP_TARGET: join(disk.path, 'target') })
    await notes.shell('rm /data/long')
    expect(made.code).toBe(1)
    expect(made.output).toMatch(/its disk is full/)
    await expect.poll(() => beside(notes)).not.toContain('service/dump')
    expect((await backup(server.env)).code).toBe(0)
  },
  120_000,
)

it('add-ons come back with what they held and had been set; one that does not is named, and keeps none of the others', async () => {
  await notes.shell('echo three >>/data/notes')
  await others.shell('echo unloadable >/data/notes')
  const before = await notes.config()
  expect((await backup(server.env)).code).toBe(0)
  await loseMachine(server, removeFromEngine)
  const restored = await backup(server.env, '--restore')
  expect(restored.output).toMatch(new RegExp(`${notes.name} \\(notes 1\\) has 0.0 MiB as of \\S+, \\d+ minutes? ago`))
  expect(restored.output).toMatch(
    new RegExp(`${others.name} \\(notes 1\\) did not come back, and stays down: .*nobody can read these notes`),
  )
  expect(restored.output).toMatch(/has 1 app, 1 add-on as of/)
  expect(restored.code).toBe(3)
  const container = await notes.container()
  await server.start()
  expect(await notes.shell('cat /data/notes /data/option-colour')).toBe('one\nthree\nblue')
  expect(await notes.config()).toEqual(before)
  expect(await notes.container()).toBe(container)
  expect(await others.container()).toBe('')
}, 180_000)

it('a restore that is killed is run again, and takes nothing that it had begun for what a server has', async () => {
  await backup(server.env)
  await loseMachine(server, removeFromEngine)
  const killed = spawn(process.execPath, [program, '--restore'], { env: server.env, stdio: 'ignore' })
  await until('the add-on is begun', async () => (await notes.container()) !== '')
  killed.kill('SIGKILL')
  await once(killed, 'close')
  const restored = await backup(server.env, '--restore')
  expect(restored.output).not.toMatch(/still/)
  expect(restored.output).toMatch(new RegExp(`${notes.name} \\(notes 1\\) has `))
  await server.start()
  expect(await notes.shell('cat /data/notes')).toBe('one\nthree\n')
}, 180_000)
