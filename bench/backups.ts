import { backup, loseMachine, openTarget } from '../test/backups/backups.ts'
import { Database } from '../test/databases/database.ts'
import { api, TestApp } from '../test/helpers/app.ts'
import { removeFromEngine } from '../test/helpers/engine.ts'
import { startServer } from '../test/helpers/server.ts'
import { served } from './apps.ts'
import type { Row } from './table.ts'

const count = { apps: 20, databases: 3 }
/** Of each database: some 20 MB. */
const rows = 400_000

/** How long the backup of a whole server takes, and how long until all of it serves again on a machine that has nothing. */
export async function benchBackups(): Promise<Row[]> {
  await using target = await openTarget()
  await using server = await startServer({ env: target.env })
  await using app = await TestApp.create(server, 'node-hello')
  const { code, output } = await app.push()
  if (code !== 0) throw new Error(`the push failed:\n${output}`)
  const [{ slug } = { slug: undefined }] = (
    await app.api<{ slug: { id: string } }[]>('GET', '/releases')
  ).body.toReversed()
  const names = [app.name]
  for (let number = 1; number < count.apps; number++) {
    const { name } = (await api<{ name: string }>(server, 'POST', '/apps', { body: {} })).body
    await api(server, 'POST', `/apps/${name}/releases`, { body: { slug: slug?.id } })
    names.push(name)
  }
  for (const name of names.slice(0, count.databases)) {
    const database = await Database.create(server, name)
    await database.sql(`CREATE TABLE t AS SELECT n, md5(n::text) AS text FROM generate_series(1, ${rows}) AS n`)
  }
  for (const name of names) await served(server, name)
  const first = await timed(() => done(server.env))
  const second = await timed(() => done(server.env))
  await loseMachine(server, removeFromEngine)
  const restore = await timed(() => done(server.env, '--restore'))
  const start = await timed(async () => {
    await server.start()
    await Promise.all(names.map((name) => served(server, name)))
  })
  const what = `${count.apps} apps, ${count.databases} databases`
  return [
    { what: `server:backup of ${what}, the first`, value: first, unit: 'minutes' },
    { what: '  the next one', value: second, unit: 'minutes' },
    { what: '  server:restore where there is nothing', value: restore, unit: 'minutes' },
    { what: '  npm start until every app answers', value: start, unit: 'minutes' },
  ]
}

async function done(env: NodeJS.ProcessEnv, ...argv: string[]): Promise<void> {
  const { code, output } = await backup(env, ...argv)
  if (code !== 0) throw new Error(output)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return (performance.now() - begun) / 60_000
}
