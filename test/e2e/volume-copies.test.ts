import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { lockFile } from '../../src/lock.ts'
import { openTarget } from '../backups/backups.ts'
import { runCommand, type Said } from '../cli/terminal.ts'
import { TestApp, until } from '../helpers/app.ts'
import { request } from '../helpers/http.ts'
import { rolePid } from '../helpers/processes.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

const run = promisify(execFile)

/** An app with SQLite on a volume, whose data is backed up, restored, forked, downloaded and uploaded by the command. */

let target: Awaited<ReturnType<typeof openTarget>>
let server: TestServer
let app: TestApp

const source = `
const { DatabaseSync } = require('node:sqlite')
const { existsSync } = require('node:fs')
if (existsSync('/app/data/broken')) process.exit(3)
const db = new DatabaseSync('/app/data/db.sqlite')
db.exec('PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS visits (at INTEGER)')
require('node:http').createServer((request, answer) => {
  if (request.method === 'POST') db.prepare('INSERT INTO visits VALUES (?)').run(Date.now())
  if (request.method === 'DELETE') db.exec('DROP TABLE visits; CREATE TABLE visits (at INTEGER)')
  answer.end(String(db.prepare('SELECT count(*) AS n FROM visits').get().n))
}).listen(process.env.PORT)
process.on('SIGTERM', () => process.exit(0))
`

beforeAll(async () => {
  target = await openTarget()
  server = await startServer({ env: { ...target.env, PAAS_STOP_GRACE: '5', PAAS_PATROL_INTERVAL: '2' } })
  app = await TestApp.create(server, 'node-hello')
  await app.repository.write('server.js', source)
  await app.repository.commit('counts')
  await app.api('POST', '/volumes', { name: 'data', mount: '/app/data' })
  const { code, output } = await app.push()
  if (code !== 0) throw new Error(output)
}, 180_000)
afterAll(async () => {
  await app?.api('DELETE', '?volumes=destroy')
  await app?.[Symbol.asyncDispose]()
  await server?.stop()
  await target[Symbol.asyncDispose]()
})

const send = (method: string) => request({ port: server.port, host: app.host, method, path: '/' })
const rows = async (): Promise<number> => Number((await app.get()).body)
const add = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) expect((await send('POST')).status).toBe(200)
}
const command = (argv: string[]): Promise<Said> =>
  runCommand([...argv.slice(0, 1), '-a', app.name, ...argv.slice(1)], {
    cwd: target.directory,
    env: { ...server.env, PAAS_URL: server.url, PAAS_TOKEN: server.token },
  })
const paas = async (...argv: string[]): Promise<string> => {
  const { code, stdout, stderr } = await command(argv)
  expect(code, stderr).toBe(0)
  return stdout + stderr
}
const oneOff = async (command: string): Promise<string> => paas('run', '--', command)

type Copy = {
  id: string
  kind: string
  status: string
  still: boolean
  reason: string | null
  proven_at: string | null
}
const copies = async (): Promise<Copy[]> => (await app.api<Copy[]>('GET', '/volume-copies')).body

it('a volume is backed up while it is written, without a failed request, and what was read back is what it had', async () => {
  await add(20)
  let running = true
  const failures: number[] = []
  const load = (async () => {
    while (running) {
      const { status } = await send('POST')
      if (status !== 200) failures.push(status)
    }
  })()
  const said = await paas('volumes:backup', 'data')
  running = false
  await load
  expect(failures).toEqual([])
  expect(said).toMatch(/Backing up data of .*done, \d+ files?, [\d.]+ MiB \([0-9a-f]{8}\)/)
  expect(said).not.toMatch(/written to meanwhile/)
  const [copy] = await copies()
  expect(copy).toMatchObject({ kind: 'backup', status: 'succeeded', still: true })
  expect(await paas('volumes:backups', 'data')).toMatch(/[0-9a-f]{8} +data .* asked, read back/)
})

it('a dropped table comes back from a backup in a new volume, which is looked at and switched in, and out again', async () => {
  const before = await rows()
  await paas('volumes:backup', 'data')
  await send('DELETE')
  expect(await rows()).toBe(0)
  const said = await paas('volumes:restore', 'data')
  expect(said).toMatch(/Use it with: paas volumes:switch data data-restored/)
  const count = `const db = new (require('node:sqlite').DatabaseSync)('/volumes/data-restored/db.sqlite'); console.log('has', db.prepare('SELECT count(*) AS n FROM visits').get().n)`
  expect(await oneOff(`node -e "${count}"`)).toContain(`has ${before}`)
  expect(await rows()).toBe(0)
  await paas('volumes:switch', 'data', 'data-restored')
  expect(await rows()).toBe(before)
  await paas('volumes:switch', 'data', 'data-restored')
  expect(await rows()).toBe(0)
  await paas('volumes:switch', 'data', 'data-restored')
  await paas('volumes:destroy', 'data-restored', '--confirm', 'data-restored')
})

it('a restore in place holds requests, so that none fails, and keeps what was there', async () => {
  await paas('volumes:backup', 'data')
  const before = await rows()
  await add(3)
  let running = true
  const failures: number[] = []
  const load = (async () => {
    while (running) {
      const { status } = await app.get()
      if (status !== 200) failures.push(status)
    }
  })()
  const said = await paas('volumes:restore', 'data', '--in-place', '--as', 'before')
  running = false
  await load
  expect(failures).toEqual([])
  expect(said).toMatch(/What data had is in before\. Undo with: paas volumes:switch data before/)
  expect(await rows()).toBe(before)
  await paas('volumes:switch', 'data', 'before')
  expect(await rows()).toBe(before + 3)
  await paas('volumes:destroy', 'before', '--confirm', 'before')
})

it('data with which the app does not boot is switched back, and the release fails with the reason', async () => {
  const before = await rows()
  await paas('volumes:fork', 'data', '--as', 'trap')
  await oneOff('touch /volumes/trap/broken')
  const { code, stderr } = await command(['volumes:switch', 'data', 'trap'])
  expect(code).not.toBe(0)
  expect(stderr).toMatch(/failed: boot failed: web\.1 exited with 3/)
  await until('it serves', async () => (await app.get()).status === 200)
  expect(await rows()).toBe(before)
  expect(await oneOff('ls /volumes/trap')).toContain('broken')
  await paas('volumes:destroy', 'trap', '--confirm', 'trap')
})

it('links, pipes, odd names and empty directories come back as they were, and nothing outside is touched', async () => {
  await paas('ps:scale', 'web=0')
  await until('the writer is gone', async () => (await app.api<object[]>('GET', '/dynos')).body.length === 0)
  const odd = [
    'cd /app/data && mkdir -p odd/empty && cd odd',
    `ln -sf ../../../../etc/passwd outside && ln -sf /etc etc && echo x > 'ä \\"quoted\\" name' && ln -f db 2>/dev/null`,
    'echo hard > one && ln -f one two && mkfifo pipe; chmod 600 one; ls -la',
  ].join('; ')
  await oneOff(odd)
  await paas('ps:scale', 'web=1')
  await paas('volumes:backup', 'data')
  await paas('volumes:restore', 'data', '--as', 'odd')
  const listing = await oneOff('ls -lan /volumes/odd/odd; stat -c %h /volumes/odd/odd/one')
  expect(listing).toMatch(/outside -> \.\.\/\.\.\/\.\.\/\.\.\/etc\/passwd/)
  expect(listing).toMatch(/etc -> \/etc/)
  expect(listing).toMatch(/^prw/m)
  expect(listing).toMatch(/^-rw------- 2 \d{5} 1000 .* one$/m)
  await paas('volumes:destroy', 'odd', '--confirm', 'odd')
})

it('a backup is downloaded as a tar, and a tar is uploaded into a new volume', async () => {
  const file = join(target.directory, 'data.tar')
  await paas('volumes:download', 'data', '--output', file)
  const { stdout: names } = await run('tar', ['--list', '--file', file])
  expect(names).toContain('volume/db.sqlite\n')
  const made = join(target.directory, 'made.tar')
  await run('sh', [
    '-c',
    `cd ${target.directory} && mkdir -p up/sub && echo hello > up/sub/file && tar -C up -cf ${made} .`,
  ])
  await paas('volumes:upload', 'data', made, '--as', 'uploaded')
  expect(await oneOff('cat /volumes/uploaded/sub/file; touch /volumes/uploaded/own && echo mine')).toMatch(
    /hello\s+mine/,
  )
  const evil = join(target.directory, 'evil.tar')
  await run('sh', [
    '-c',
    `cd ${target.directory} && echo x > evil && tar -P -cf ${evil} --transform 's,^,../../,' evil`,
  ])
  const { code, stderr } = await command(['volumes:upload', 'data', evil, '--as', 'evil'])
  expect(code).not.toBe(0)
  expect(stderr).toMatch(/"\.\.\/\.\.\/evil" in the tar leads out of the volume; nothing of it was kept/)
  const { body } = await app.api<{ name: string }[]>('GET', '/volumes')
  expect(body.map(({ name }) => name)).not.toContain('evil')
  await paas('volumes:destroy', 'uploaded', '--confirm', 'uploaded')
})

it('kill -9 of the worker in the midst of a backup leaves the app serving and the record saying what is', async () => {
  const { body } = await app.api<Copy>('POST', '/volume-copies', { kind: 'backup', volume: 'data' })
  await until('it runs', async () => (await copies()).find(({ id }) => id === body.id)?.status !== 'pending')
  process.kill(rolePid(server.pid, 'worker'), 'SIGKILL')
  await until(
    'it has an end',
    async () => {
      const now = (await copies()).find(({ id }) => id === body.id)
      return now?.status === 'failed' || now?.status === 'succeeded'
    },
    60_000,
  )
  await until('it serves', async () => (await app.get()).status === 200, 60_000)
  await paas('volumes:backup', 'data')
})

/** Throw-away volumes of proofs. */
async function trials(): Promise<string> {
  const own = ['--filter', `label=paas.server=${await server.serverId()}`]
  const format = ['--format', '{{.Label "paas.volume-name"}}']
  const { stdout } = await run('docker', ['volume', 'ls', ...format, '--filter', 'label=paas.kind=volume', ...own])
  return stdout
    .split('\n')
    .filter((name) => name.startsWith('proof.'))
    .join(' ')
}

type Proof = { id: string; status: string; reason: string | null }
const proof = async (volume: string, { id }: Proof) =>
  (await app.api<Proof>('GET', `/volumes/${volume}/proofs/${id}`)).body
const askProof = async (volume: string) => (await app.api<Proof>('POST', `/volumes/${volume}/actions/prove`, {})).body

it('the newest backup is proven by restoring it, and the list of backups says when', async () => {
  expect(await paas('volumes:prove', 'data')).toContain('and it is whole')
  expect(await paas('backups')).toMatch(/volume data +\S+ +\S+ ago +\S+ ago +\d+ s/)
  expect(await paas('volumes:backups', 'data')).toMatch(/asked, proven/)
  expect((await command(['volumes:prove', 'none'])).stderr).toContain('has no volume')
  expect(await trials()).toBe('')
})

it('kill -9 of the worker in the midst of a proof leaves no volume, and the proof is made all the same', async () => {
  await run('sh', ['-c', `cd ${target.directory} && head -c 150M /dev/urandom > large && tar -cf large.tar large`])
  await paas('volumes:upload', 'data', join(target.directory, 'large.tar'), '--as', 'large')
  await paas('volumes:backup', 'large')
  const asked = await askProof('large')
  await until('the throw-away volume is there', async () => (await trials()) === 'proof.large', 60_000)
  process.kill(rolePid(server.pid, 'worker'), 'SIGKILL')
  const over = await until(
    'it is over',
    async () => {
      const now = await proof('large', asked)
      return now.status !== 'asked' && now.status !== 'running' && now
    },
    90_000,
  )
  expect(over).toMatchObject({ status: 'succeeded', reason: null })
  expect(await trials()).toBe('')
  await paas('volumes:destroy', 'large', '--confirm', 'large')
})

it('a restart in the midst of a daily backup has it made again', async () => {
  await paas('volumes:backup', 'data')
  const before = (await copies()).length
  {
    using _alone = await lockFile(join(server.dataDirectory, 'backups/target.lock'))
    const { body } = await app.api<Copy>('POST', '/volume-copies', { kind: 'backup', volume: 'data' })
    await until('it runs', async () => (await copies()).find(({ id }) => id === body.id)?.status === 'running')
    using db = new DatabaseSync(join(server.dataDirectory, 'paas.db'), { timeout: 5000 })
    db.prepare("UPDATE volume_copies SET cause = 'daily' WHERE id = ?").run(body.id)
    process.kill(rolePid(server.pid, 'worker'), 'SIGKILL')
  }
  const all = await until(
    'it is made again, and proven',
    async () => {
      const now = await copies()
      const [newest] = now
      // Its proof comes by itself.
      return now.length === before + 2 && newest?.status === 'succeeded' && newest.proven_at !== null && now
    },
    60_000,
  )
  expect(all[1]).toMatchObject({ status: 'failed', reason: 'The server was stopped in the midst of it.' })
})

it('a backup that is damaged at the target is found by its proof, and the app and its webhooks are told', async () => {
  const hook = { include: ['api:volume'], level: 'notify', url: 'https://hooks.example.invalid/' }
  await app.api('POST', '/webhooks', hook)
  await paas('volumes:backup', 'data')
  const packs = join(target.directory, 'backups/data')
  const damage =
    'for f in $(find "$0" -type f); do chmod u+w "$f"; printf damage | dd of="$f" bs=1 seek=40 conv=notrunc status=none; done'
  await run('sh', ['-c', damage, packs])
  const { code, stderr } = await command(['volumes:prove', 'data'])
  expect([code, stderr]).toEqual([1, expect.stringContaining('and it is NOT whole')])
  expect(await paas('logs', '-n', '200')).toMatch(/Error L22 \(backup missing\): volume data: .*could not be restored/)
  const { body: events } = await app.api<object[]>('GET', '/webhook-events')
  expect(JSON.stringify(events)).toMatch(/api:volume.*could not be restored/)
})

it('nothing of the passphrase, or of what is in a volume, is in the server log', async () => {
  const log = await readFile(join(server.dataDirectory, 'server.log'), 'utf8')
  expect(log).not.toContain('correct horse')
})
