import { execFileSync } from 'node:child_process'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { api, until } from '../helpers/app.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { RunningAddon } from './running.ts'

const own = resolve(import.meta.dirname, '../../services')
const life = new AsyncDisposableStack()
let server: TestServer

beforeAll(async () => {
  server = life.use(await startServer({ env: { PAAS_PATROL_INTERVAL: '1' } }))
  const services = join(server.dataDirectory, 'services')
  for (const name of ['postgresql', 'mysql', 'redis', 'rabbitmq']) await addSmall(services, name)
  // Whatever the umask is: roles with users of their own read them.
  execFileSync('chmod', ['-R', 'a+rX', services])
}, 600_000)
afterAll(() => life.disposeAsync())

/** One of ours with a plan of little disk, as an operator replaces it. */
async function addSmall(directory: string, name: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  const place = join(directory, name)
  await cp(join(own, name), place, { recursive: true })
  type Plan = { diskMiB: number; settings?: object }
  const manifest = JSON.parse(await readFile(join(place, 'service.json'), 'utf8')) as { plans: Record<string, Plan> }
  const plan = Object.values(manifest.plans)[1]!
  const plans = { small: { ...plan, diskMiB: diskOf[name] }, larger: { ...plan, diskMiB: 2048 } }
  await writeFile(join(place, 'service.json'), JSON.stringify({ ...manifest, plans }))
}

/** What each takes while it is empty, and some room: MiB. */
const diskOf: Record<string, number> = { postgresql: 256, mysql: 512, redis: 32, rabbitmq: 64 }

/** Of what each is asked: to take much, to write a little, and to make room. */
const kinds = [
  {
    plan: 'postgresql:small',
    client: (text: string) => ['pg:psql', '-c', text],
    grow:
      'CREATE TABLE much AS SELECT n, repeat(md5(n::text), 200) AS t FROM generate_series(1, 4000) n; ' +
      'ALTER TABLE much ALTER t SET STORAGE EXTERNAL; ' +
      'INSERT INTO much SELECT n, repeat(md5(n::text), 200) FROM generate_series(1, 40000) n',
    write: 'INSERT INTO much VALUES (0)',
    refusal: /cannot execute INSERT in a read-only transaction/,
    shrink: 'TRUNCATE much',
  },
  {
    plan: 'mysql:small',
    client: (text: string) => ['mysql:cli', '-e', text],
    grow:
      'CREATE TABLE much (n INT, t LONGTEXT); ' +
      'INSERT INTO much SELECT seq, REPEAT(MD5(seq), 200) FROM seq_1_to_65000',
    write: 'INSERT INTO much VALUES (0, NULL)',
    refusal: /read-only/,
    shrink: 'TRUNCATE much',
  },
  {
    plan: 'redis:small',
    client: (text: string) => ['addons:client', 'REDIS', '--', ...text.split(' ')],
    // Not what it can store in less, as it does when its file is written anew.
    grow: 'EVAL local\u00a0t={}\u00a0for\u00a0i=1,16384\u00a0do\u00a0t[i]=string.char(math.random(33,126))\u00a0end\u00a0local\u00a0s=string.rep(table.concat(t),64)\u00a0for\u00a0i=1,36\u00a0do\u00a0redis.call("SET","k"..i,s)\u00a0end 0',
    write: 'SET late 1',
    refusal: /NOPERM/,
    shrink: 'FLUSHALL',
  },
] as const

async function state(addon: RunningAddon): Promise<string> {
  return (await addon.info())['Status'] ?? ''
}

/** As the app does: with its own user, over the network. */
async function asApp(addon: RunningAddon, text: string): Promise<string> {
  const url = new URL(Object.values(await addon.config())[0] ?? '')
  const { username: user, password, pathname } = url
  const scripts: Record<string, string> = {
    'postgres:': `PGPASSWORD=${password} PGOPTIONS= /usr/lib/postgresql/17/bin/psql -h 127.0.0.1 -U ${user} ${pathname.slice(1)} -c '${text}'`,
    'mysql:': `mariadb --no-defaults -h 127.0.0.1 -u ${user} -p${password} ${pathname.slice(1)} -e '${text}'`,
    'redis:': `valkey-cli --no-auth-warning -a ${password} ${text}`,
  }
  return addon.shell(scripts[url.protocol] ?? '')
}

describe.each(kinds)('a database of $plan that is full', ({ plan, client, grow, write, refusal, shrink }) => {
  let addon: RunningAddon
  /** Spaces that belong to a word are no-break ones. */
  const ask = async (argv: string[]): Promise<void> => {
    const { code, stderr } = await addon.paas(argv.map((word) => word.replaceAll('\u00a0', ' ')))
    expect([code, stderr]).toEqual([0, expect.any(String)])
  }

  it('cannot be written by its app any more, and both log and addons:info say so', async () => {
    addon = life.use(await RunningAddon.create(server, plan))
    expect(await state(addon)).toBe('Available')
    await ask(client(grow))
    await until('it is full', async () => (await state(addon)) === 'Read-only: its disk is full', 60_000)
    await until('the app may only read', async () => refusal.test(await asApp(addon, write)))
    await expect
      .poll(() => addon.log())
      .toMatch(/Error L21 \(Disk full\): .* has \d+ of \d+ MiB, and is read-only from now on/)
  }, 600_000)

  it('is so after a restart too', async () => {
    execFileSync('docker', ['kill', await addon.container()])
    await until('it answers', async () => (await addon.program('health')).code === 0, 60_000)
    await until('the app may only read', async () => refusal.test(await asApp(addon, write)))
  })

  it('can be written again once its owner has made room', async () => {
    await ask(client(shrink))
    await until('there is room', async () => (await state(addon)) === 'Available', 60_000)
    await until('the app writes', async () => !refusal.test(await asApp(addon, write)))
    await expect.poll(() => addon.log()).toMatch(/has \d+ of \d+ MiB, and can be written again/)
  })

  it('can be written again once it has a larger plan', async () => {
    await ask(client(grow.replace(/CREATE TABLE [^;]*;/, '')))
    await until('it is full again', async () => (await state(addon)).startsWith('Read-only'), 60_000)
    await api(server, 'PATCH', `/apps/${addon.app}/addons/${addon.id}`, { body: { plan: 'larger' } })
    await until('it is not full', async () => (await state(addon)) === 'Available', 60_000)
    await until('the app writes', async () => !refusal.test(await asApp(addon, write)))
  }, 240_000)
})

it('a broker that is full takes no more messages, and goes on once there is room', async () => {
  await using broker = await RunningAddon.create(server, 'rabbitmq:small')
  const alarms = () => broker.shell("set -- ; . /usr/lib/paas/service/lib; control eval 'rabbit_alarm:get_alarms().'")
  await broker.shell('head -c 70000000 /dev/zero | tr "\\0" x >/data/ballast')
  await until('it is full', async () => (await state(broker)).startsWith('Read-only'), 60_000)
  await until('publishers are held', async () => /disk/i.test(await alarms()))
  await broker.shell('rm /data/ballast')
  await until('there is room', async () => (await state(broker)) === 'Available', 60_000)
}, 600_000)
