import { afterAll, beforeAll, expect, it } from 'vitest'
import { removeFromEngine } from '../helpers/engine.ts'
import { TestApp, until } from '../helpers/app.ts'
import { request } from '../helpers/http.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { backup, loseMachine, openTarget } from './backups.ts'

/** What apps have written comes back with the server. */

let target: Awaited<ReturnType<typeof openTarget>>
let server: TestServer
let app: TestApp

/** Each POST adds a line to a file on the volume. */
const source = `
const { appendFileSync, existsSync, readFileSync } = require('node:fs')
const file = '/app/data/lines'
require('node:http').createServer((request, answer) => {
  if (request.method === 'POST') appendFileSync(file, request.url + '\\n')
  answer.end(existsSync(file) ? readFileSync(file) : 'none')
}).listen(process.env.PORT)
`

beforeAll(async () => {
  target = await openTarget()
  server = await startServer({ env: target.env })
  app = await TestApp.create(server, 'node-hello')
  await app.repository.write('server.js', source)
  await app.repository.commit('keeps lines')
  await app.api('POST', '/volumes', { name: 'data', mount: '/app/data' })
  const push = await app.push()
  if (push.code !== 0) throw new Error(push.output)
}, 180_000)
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await server?.stop()
  await target[Symbol.asyncDispose]()
})

const write = (path: string) => request({ port: server.port, host: app.host, method: 'POST', path })

it('a server that is lost with its engine comes back with what apps had on volumes', async () => {
  await write('/one')
  await write('/two')
  const made = await backup(server.env)
  expect(made.output).toMatch(/holds 1 app, 1 volume, .*; all of it was read back/)
  expect(made.output).not.toMatch(/lacks/)
  expect((await app.get()).body).toBe('/one\n/two\n')
  await write('/after')

  await loseMachine(server, removeFromEngine)
  const restored = await backup(server.env, '--restore')
  expect(restored.output).toMatch(/has 1 app, 1 volume as of .*, \d+ minutes? ago$/m)
  expect(restored.code).toBe(0)
  await server.start()
  await until('the app serves again', async () => (await app.get()).status === 200)
  expect((await app.get()).body).toBe('/one\n/two\n')
}, 240_000)

it('a volume that the engine still has is newer than the backup, and stays as it is', async () => {
  await write('/three')
  await loseMachine(server, async () => undefined)
  const restored = await backup(server.env, '--restore')
  expect(restored.output).toMatch(/this engine still had data: left as it is/)
  await server.start()
  await until('the app serves again', async () => (await app.get()).body.endsWith('/three\n'))
}, 240_000)
