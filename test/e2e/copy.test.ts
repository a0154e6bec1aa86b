import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { api, TestApp, until } from '../helpers/app.ts'
import { request } from '../helpers/http.ts'
import { watchApp } from '../helpers/load.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

let original: TestServer
let app: TestApp
beforeAll(async () => {
  original = await startServer()
  app = await TestApp.create(original, 'node-hello')
  const push = await app.push()
  if (push.code !== 0) throw new Error(push.output)
}, 120_000)
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await original.stop()
})

it('a server on a copy of the data directory of one that runs says whose id it has and ends, and the other loses no request', async () => {
  const visits = watchApp(app, /./)
  const before = await dynosOf(original)
  const refusal = await startCopy()
  expect(refusal).toContain(`is in use by the server on ${original.dataDirectory} (pid `)
  expect(refusal).toMatch(/--as-copy \(server_id_in_use\)$/m)
  expect(refusal).not.toContain('started')
  expect((await visits.stop()).failures).toEqual([])
  expect(await dynosOf(original)).toEqual(before)
})

it('a worker alone on such a copy is refused too', async () => {
  expect(await startCopy('--role', 'worker')).toContain('"code":"server_id_in_use"')
})

it('a server that is told it runs on a copy has dynos of its own of the same images, and the other loses no request', async () => {
  const visits = watchApp(app, /./)
  const before = await dynosOf(original)
  await using copy = await startServer({ copyOf: original, argv: ['--as-copy'] })
  await until('the copy serves the app', async () => (await getFrom(copy)).status === 200)
  const own = await dynosOf(copy)
  await api(copy, 'PATCH', `/apps/${app.name}/config-vars`, { body: { A: 'copy' } })
  const isAnother = (now: string[]): boolean => now.length === 1 && !own.includes(now[0]!)
  await until('its dyno is another, of the change', async () => isAnother(await dynosOf(copy)), 60_000)
  await api(copy, 'DELETE', `/apps/${app.name}`)
  await until('the app is gone from the copy', async () => (await dynosOf(copy)).length === 0)
  expect((await visits.stop()).failures).toEqual([])
  expect(await dynosOf(original)).toEqual(before)
  await app.api('DELETE', '/dynos')
  await until('the original starts its image again', async () => (await dynosOf(original))[0] !== before[0])
})

/** Gives all that a copy that ends said. */
function startCopy(...argv: string[]): Promise<string> {
  return startServer({ copyOf: original, argv }).then(async (copy) => {
    await copy.stop()
    return copy.output
  }, String)
}

const getFrom = ({ port }: TestServer) => request({ port, host: `${app.name}.localhost:${port}` })

async function dynosOf(server: TestServer): Promise<string[]> {
  const filters = ['--filter', `label=paas.server=${await server.serverId()}`, '--filter', 'label=paas.kind=dyno']
  return execFileSync('docker', ['ps', '--quiet', ...filters], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)
}
