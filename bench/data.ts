import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Database } from '../test/databases/database.ts'
import type { TestServer } from '../test/helpers/server.ts'
import { median } from './statistics.ts'
import type { Row } from './table.ts'

const run = promisify(execFile)
const programs = '/usr/lib/postgresql/17/bin'
/** Of pgbench: the scale of some 1 GB, how long a run takes and how often both are run. */
const pgbench = { largeScale: 67, scale: 10, seconds: 15, rounds: 3, clients: 4 }

/** What a PostgreSQL add-on costs, and how long its copies take, beside the same by hand. */
export async function benchData(server: TestServer): Promise<Row[]> {
  await Database.create(server) // makes the image
  return [...(await ready(server)), ...(await throughput(server)), ...(await restores(server))]
}

async function ready(server: TestServer): Promise<Row[]> {
  const seconds: number[] = []
  let database: Database | undefined
  for (let round = 0; round < 3; round++) {
    const begin = performance.now()
    database = await Database.create(server)
    seconds.push((performance.now() - begin) / 1000)
  }
  const idle = await memoryOf(await database!.container())
  return [
    row('PostgreSQL from addons:create until it answers', median(seconds), 's', 5),
    row('the smallest PostgreSQL, idle', idle, 'MiB', 40),
  ]
}

/** By turns in the add-on and in a container by hand, of the same image with the same programs. */
async function throughput(server: TestServer): Promise<Row[]> {
  const database = await Database.create(server)
  await database.untilBackups(({ last_good: good }) => good !== null, 'it is archived')
  const container = await database.container()
  await using hand = await byHand(container)
  const [here, there]: [number[], number[]] = [[], []]
  for (const one of [container, hand.id]) await prepare(one, pgbench.scale)
  for (let round = 0; round < pgbench.rounds; round++) {
    here.push(await transactions(container))
    there.push(await transactions(hand.id))
  }
  const share = median(here) / median(there)
  return [
    { what: 'pgbench in the add-on', value: median(here), unit: 'transactions/s' },
    { what: 'pgbench in a container by hand, archiving too', value: median(there), unit: 'transactions/s' },
    { what: '  of that, in the add-on', value: share, unit: '×', target: '≥ 0.95 ×', met: share >= 0.95 },
  ]
}

/** The same image and settings, with nothing that the server confines a service by. */
async function byHand(container: string): Promise<AsyncDisposable & { id: string }> {
  const { stdout } = await run('docker', ['inspect', container])
  const [{ Image, Config, HostConfig }] = JSON.parse(stdout) as [
    { Image: string; Config: { Env: string[] }; HostConfig: { Memory: number } },
  ]
  const volumes = ['paas-bench-data', 'paas-bench-backups'].map((name) => `${name}-${process.pid}`)
  const remove = async (id: string): Promise<void> => {
    await run('docker', ['rm', '--force', id])
    await run('docker', ['volume', 'rm', ...volumes])
  }
  const own = ['--volume', `${volumes[0]}:/data`, '--volume', `${volumes[1]}:/backups`]
  await run('docker', ['run', '--rm', '--user', '0', ...own, Image, 'chown', '1000:1000', '/data', '/backups'])
  const env = Config.Env.flatMap((one) => ['--env', one])
  const limits = ['--memory', String(HostConfig.Memory), '--cpus', '1', '--user', '1000']
  const argv = ['run', '--detach', ...own, ...env, ...limits, Image, '/usr/lib/paas/service/start']
  const { stdout: id } = await run('docker', argv)
  const made = id.trim()
  while (!(await succeeds('docker', ['exec', made, '/usr/lib/paas/service/health']))) await pause()
  await run('docker', ['exec', made, '/usr/lib/paas/service/backup', 'full'])
  return { id: made, [Symbol.asyncDispose]: () => remove(made) }
}

async function restores(server: TestServer): Promise<Row[]> {
  const database = await Database.create(server)
  const container = await database.container()
  await database.untilBackups(({ last_good: good }) => good !== null, 'it is archived')
  await prepare(container, pgbench.largeScale)
  const size = Number(await database.sql('SELECT pg_database_size(current_database())')) / 2 ** 30
  const began = performance.now()
  await database.restore({ at: 'latest' })
  const restored = (performance.now() - began) / 1000
  const plain = await Database.create(server)
  const into = await plain.container()
  await run('bash', ['-c', `docker exec ${container} ${client} pg_dump -Fc > /tmp/paas-bench.dump`])
  const begun = performance.now()
  await run('bash', ['-c', `docker exec -i ${into} ${client} pg_restore --no-owner < /tmp/paas-bench.dump`])
  const loaded = (performance.now() - begun) / 1000
  await run('rm', ['/tmp/paas-bench.dump'])
  const ratio = restored / loaded
  return [
    { what: 'database that is restored', value: size, unit: 'GiB' },
    { what: 'plain pg_restore of it', value: loaded, unit: 's' },
    { what: 'pg:restore of it into a new add-on', value: restored, unit: 's' },
    { what: '  of pg_restore', value: ratio, unit: '×', target: '≤ 2 ×', met: ratio <= 2 },
  ]
}

const client = '/usr/lib/paas/service/client'
const asUser = `${programs}/pgbench -h /tmp -U "$SERVICE_USER"`

async function prepare(container: string, scale: number): Promise<void> {
  await inside(container, `${asUser} --initialize --quiet --scale=${scale} "$SERVICE_DATABASE" 2>&1`)
}

async function transactions(container: string): Promise<number> {
  const { seconds, clients } = pgbench
  const said = await inside(container, `${asUser} --time=${seconds} --client=${clients} "$SERVICE_DATABASE" 2>&1`)
  return Number(/tps = ([\d.]+)/.exec(said)?.[1])
}

async function inside(container: string, command: string): Promise<string> {
  return (await run('docker', ['exec', container, 'bash', '-c', command])).stdout
}

/** As the engine counts it, without files that are only cached. */
async function memoryOf(container: string): Promise<number> {
  const { stdout } = await run('docker', ['stats', '--no-stream', '--format', '{{.MemUsage}}', container])
  return Number(/^([\d.]+)MiB/.exec(stdout)?.[1])
}

async function succeeds(program: string, argv: string[]): Promise<boolean> {
  return run(program, argv).then(
    () => true,
    () => false,
  )
}

async function pause(): Promise<void> {
  await new Promise((wake) => setTimeout(wake, 100))
}

function row(what: string, value: number, unit: string, most: number): Row {
  return { what, value, unit, target: `≤ ${most} ${unit}`, met: value <= most }
}
