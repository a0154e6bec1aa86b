import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { api, TestApp, until, type ServerAddress } from '../test/helpers/app.ts'
import { request } from '../test/helpers/http.ts'
import { rolePid } from '../test/helpers/processes.ts'
import { TestRepository } from '../test/helpers/repository.ts'
import type { Row } from './table.ts'

/** Answers with one process of some 8 MB. */
const server =
  `perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => $ENV{PORT}, Listen => 50, ReuseAddr => 1) or die; ` +
  `while ($c = $s->accept) { <$c>; print $c "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok"; close $c }'`

const perTick = 100

/**
 * What a minute without requests costs, in CPU milliseconds of each process, without apps and with `apps` of which
 * `running` have a dyno; and what a change of one costs then, from the call to the new dyno's answer.
 */
export async function benchApps(address: ServerAddress & { pid: number }, apps = 1000, running = 300): Promise<Row[]> {
  await using repository = await TestRepository.empty()
  await repository.write('Procfile', `web: ${server}\n`)
  await repository.write('package.json', JSON.stringify({ name: 'small', version: '1.0.0' }))
  await repository.commit('small')
  await using app = await TestApp.create(address, repository)
  const { code, output } = await app.push()
  if (code !== 0) throw new Error(`the push failed:\n${output}`)
  const before = await idleMinute(address.pid)
  const [{ slug } = { slug: undefined }] = (
    await app.api<{ slug: { id: string } }[]>('GET', '/releases')
  ).body.toReversed()
  const others = await inTurns(
    apps - 1,
    8,
    async () => (await api<{ name: string }>(address, 'POST', '/apps', { body: {} })).body,
  )
  const begun = performance.now()
  await inTurns(running - 1, 4, async (n) => {
    await api(address, 'POST', `/apps/${others[n]!.name}/releases`, { body: { slug: slug?.id } })
    await served(address, others[n]!.name)
  })
  const perApp = (performance.now() - begun) / (running - 1)
  const after = await idleMinute(address.pid)
  const changes = []
  for (const { name } of others.slice(0, 5)) changes.push(await timedRestart(address, name))
  return [
    { what: `slug of one app to served, of ${running} apps, four at once`, value: perApp, unit: 'ms per app' },
    ...Object.keys(after).flatMap((name) => [
      { what: `  CPU of ${name} in a minute, 1 app`, value: before[name]!, unit: 'ms' },
      { what: `  CPU of ${name} in a minute, ${apps} apps, ${running} running`, value: after[name]!, unit: 'ms' },
    ]),
    { what: `  restart of one of them, to the new dyno's answer`, value: Math.min(...changes), unit: 'ms' },
  ]
}

async function timedRestart(address: ServerAddress, name: string): Promise<number> {
  const dynos = async () => (await api<{ id: string; state: string }[]>(address, 'GET', `/apps/${name}/dynos`)).body
  const old = await dynos()
  const begun = performance.now()
  await api(address, 'DELETE', `/apps/${name}/dynos`)
  await until('another dyno is up', async () => {
    return (await dynos()).some(({ id, state }) => state === 'up' && old.every((one) => one.id !== id))
  })
  return performance.now() - begun
}

/** Asks the app itself: so many questions about dynos would be over the API's limit. */
export async function served({ url, port }: ServerAddress, name: string): Promise<void> {
  const host = `${name}.${new URL(url).host}`
  await until(`${name} answers`, async () => (await request({ port, host, path: '/' })).status === 200, 120_000)
}

/** CPU milliseconds by process. */
async function idleMinute(supervisor: number): Promise<Record<string, number>> {
  const pids = {
    worker: rolePid(supervisor, 'worker'),
    api: rolePid(supervisor, 'api'),
    router: rolePid(supervisor, 'router'),
    dockerd: Number(readFileSync('/var/run/docker.pid', 'utf8')),
  }
  const used = () => Object.entries(pids).map(([name, pid]) => [name, cpuMs(pid)] as const)
  await delay(5_000)
  const begin = Object.fromEntries(used())
  await delay(60_000)
  return Object.fromEntries(used().map(([name, ms]) => [name, ms - begin[name]!]))
}

function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / perTick
}

export async function inTurns<T>(count: number, atOnce: number, work: (n: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  const numbers = Array.from({ length: count }, (_, n) => n).values()
  const goOn = async (): Promise<void> => {
    for (const n of numbers) results[n] = await work(n)
  }
  await Promise.all(Array.from({ length: atOnce }, goOn))
  return results
}
