import { cp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { lockFile } from '../../src/lock.ts'
import { removeFromEngine } from '../helpers/engine.ts'
import { api, TestApp, until } from '../helpers/app.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { backup, loseMachine, openTarget } from './backups.ts'

let target: Awaited<ReturnType<typeof openTarget>>
let server: TestServer
let app: TestApp
beforeAll(async () => {
  target = await openTarget()
  server = await startServer({ env: target.env })
  app = await TestApp.create(server, 'node-hello')
  await app.api('PATCH', '/config-vars', { SECRET: 'kept' })
  await pushed()
}, 180_000)
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await server?.stop()
  await target[Symbol.asyncDispose]()
})

it('a machine that is lost comes back from a backup with its apps on the same releases, tokens, settings and files', async () => {
  const first = await app.get()
  await app.repository.write('added.txt', 'second')
  await app.repository.commit('second')
  await pushed()
  const before = await state()
  const made = await backup(server.env)
  expect(made.output).toMatch(
    /backup [0-9a-f]{8} holds 1 app, [\d.]+ MiB, of it [\d.]+ MiB new; all of it was read back/,
  )
  expect(made.code).toBe(0)

  await loseMachine(server, removeFromEngine)
  const restored = await backup(server.env, '--restore')
  expect(restored.output).toMatch(/has 1 app as of .*, \d+ minutes? ago$/m)
  expect(restored.output).toMatch(/start it with: npm start$/m)
  expect(restored.code).toBe(0)
  await server.start()

  await until('the app serves again', async () => (await app.get()).status === 200)
  expect((await app.get()).body).toEqual(first.body)
  expect(await state()).toEqual(before)
  const { body: releases } = await api<{ id: string; version: number }[]>(server, 'GET', `/apps/${app.name}/releases`)
  const back = releases.find(({ version }) => version === before.release - 1)
  await app.api('POST', '/releases', { release: back?.id })
  await until('the release before it runs', async () => (await state()).release === before.release + 1)
  await app.repository.write('added.txt', 'third')
  await app.repository.commit('third')
  await pushed()
}, 240_000)

it('a second backup stores what changed, and the list has both with what they hold', async () => {
  const made = await backup(server.env)
  expect(made.code, made.output).toBe(0)
  const again = await backup(server.env)
  const [, held, added] = (/app, ([\d.]+) MiB, of it ([\d.]+) MiB new/.exec(again.output) ?? []).map(Number)
  expect(added, again.output).toBeLessThan((held ?? 0) / 20)
  const { output } = await backup(server.env, '--list')
  expect(output.trim().split('\n').length).toBeGreaterThanOrEqual(2)
  expect(output).toMatch(/^\S+Z {2}[0-9a-f]{8} {2}1 app {2}[\d.]+ MiB, [\d.]+ MiB new$/m)
  const { output: json } = await backup(server.env, '--list', '--json')
  expect(JSON.parse(json)).toContainEqual(expect.objectContaining({ state: expect.objectContaining({ apps: 1 }) }))
}, 120_000)

it('a restore refuses a data directory that has a server, and another passphrase, and says so', async () => {
  expect((await backup(server.env)).code).toBe(0)
  const inUse = await backup(server.env, '--restore')
  expect(inUse).toMatchObject({
    code: 1,
    output: expect.stringMatching(/holds a server already\..*\(restore_refused\)/s),
  })
  const other = join(target.directory, 'other')
  await writeFile(other, 'another\n')
  const env = { ...server.env, PAAS_DATA: join(target.directory, 'data') }
  const wrong = await backup({ ...env, PAAS_BACKUP_PASSPHRASE_FILE: other }, '--restore')
  expect(wrong.output).toMatch(/its backups were made with another passphrase\..*\(backup_target_refused\)/s)
  const unknown = await backup(env, '--restore=abcdef01')
  expect(unknown.output).toMatch(/There is no backup "abcdef01"\. The newest are: [0-9a-f]{8} of /)
  expect(await readdir(target.directory)).not.toContain('data')
}, 120_000)

it('a backup waits while something is removed from its target, as old copies of volumes are', async () => {
  expect(await backup(server.env)).toMatchObject({ code: 0 })
  const place = target.env['PAAS_BACKUP_TARGET']!
  const env = { ...process.env, RESTIC_REPOSITORY: place, RESTIC_PASSWORD_FILE: join(target.directory, 'passphrase') }
  const path = join(server.dataDirectory, 'backups/target.lock')
  let made: ReturnType<typeof backup>
  {
    using _alone = await lockFile(path)
    const removing = spawn('restic', ['check', '--read-data'], { env, stdio: 'ignore' })
    const ended = once(removing, 'close')
    await until('it is alone', async () => (await readdir(join(place, 'locks'))).length > 0)
    removing.kill('SIGSTOP')
    made = backup(server.env)
    let isOver = false
    void made.then(() => (isOver = true))
    await until('the backup waits or is over', async () => waiting(path) || isOver)
    removing.kill('SIGCONT')
    await ended
  }
  expect(await made).toMatchObject({ code: 0, output: expect.stringContaining('all of it was read back') })
})

/** Whether somebody waits for the lock. */
function waiting(path: string): boolean {
  const { ino } = statSync(path)
  return readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .some((line) => line.includes('->') && line.includes(`:${ino} `))
}

it('a target whose stored bytes changed fails the backup that reads it back, and a restore puts nothing in place', async () => {
  const copy = join(target.directory, 'damaged')
  await backup(server.env)
  await cp(join(target.directory, 'backups'), copy, { recursive: true })
  await damagePacks(join(copy, 'data'))
  const env = { ...server.env, PAAS_BACKUP_TARGET: copy, PAAS_DATA: join(target.directory, 'restored') }
  const restored = await backup(env, '--restore')
  expect(restored.code).toBe(1)
  expect((await readdir(env.PAAS_DATA)).filter((name) => name !== '.restoring')).toEqual([])
  const made = await backup({ ...server.env, PAAS_BACKUP_TARGET: copy })
  expect(made.code).toBe(1)
  expect((await backup(server.env, '--list')).output.split('\n')[0]).toMatch(/ failed: /)
}, 120_000)

it('a backup without a target, and one to a place that cannot be written, say what to set', async () => {
  const { PAAS_BACKUP_TARGET: _, ...without } = server.env
  expect((await backup(without)).output).toMatch(
    /No backup target is set\. Set PAAS_BACKUP_TARGET .*\(backup_not_set_up\)/,
  )
  const blocked = join(target.directory, 'blocked')
  await writeFile(blocked, '')
  const refused = await backup({ ...server.env, PAAS_BACKUP_TARGET: join(blocked, 'below') })
  expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('blocked') })
  const unusable = await backup({ ...server.env, PAAS_BACKUP_TARGET: 'backups', PAAS_BACKUP_PASSPHRASE_FILE: '' })
  expect(unusable.output).toMatch(/PAAS_BACKUP_TARGET is "backups"; it must be an absolute path/)
  expect(unusable.output).toMatch(/PAAS_BACKUP_PASSPHRASE_FILE is ""; it must be the absolute path of a file/)
}, 60_000)

it('config vars and keys are not readable at the target', async () => {
  const files = await readdir(join(target.directory, 'backups'), { recursive: true, withFileTypes: true })
  const texts = await Promise.all(
    files.filter((file) => file.isFile()).map(async (file) => readFile(join(file.parentPath, file.name), 'latin1')),
  )
  const key = await readFile(join(server.dataDirectory, 'key'), 'latin1')
  expect(texts.join('')).not.toContain(key.trim())
  expect((await stat(join(server.dataDirectory, 'backups'))).mode & 0o077).toBe(0)
})

async function pushed(): Promise<void> {
  const push = await app.push()
  if (push.code !== 0) throw new Error(push.output)
}

/** What must be the same before and after. */
async function state(): Promise<{ release: number; commit: string; secret: string; builds: number }> {
  const { body: vars } = await api<Record<string, string>>(server, 'GET', `/apps/${app.name}/config-vars`)
  const { body: releases } = await api<{ version: number; current: boolean }[]>(
    server,
    'GET',
    `/apps/${app.name}/releases`,
  )
  const { body: builds } = await api<unknown[]>(server, 'GET', `/apps/${app.name}/builds`)
  const { output } = await app.repository.git('ls-remote', 'paas', 'refs/heads/main')
  return {
    release: releases.find(({ current }) => current)?.version ?? 0,
    commit: output.split('\t')[0] ?? '',
    secret: vars['SECRET'] ?? '',
    builds: builds.length,
  }
}

async function damagePacks(directory: string): Promise<void> {
  const files = await readdir(directory, { recursive: true, withFileTypes: true })
  for (const file of files.filter((one) => one.isFile())) {
    const path = join(file.parentPath, file.name)
    const bytes = await readFile(path)
    const middle = Math.floor(bytes.length / 3)
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 0xff, middle)
    await writeFile(`${path}.new`, bytes)
    await rename(`${path}.new`, path)
  }
  await rm(join(directory, 'nothing'), { force: true })
}
