import { afterAll, beforeAll, expect, it } from 'vitest'
import { api, TestApp, until } from '../helpers/app.ts'
import { leaveDescriptors, leaveNoDescriptors, openDescriptors } from '../helpers/descriptors.ts'
import { rolePid } from '../helpers/processes.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

/** A whole server whose processes run out of file descriptors, and get some again. */

const roles = ['redis', 'router', 'worker', 'api']

let server: TestServer
let app: TestApp
let pids: number[]
let apiAtRest: number

beforeAll(async () => {
  server = await startServer()
  app = await TestApp.create(server, 'node-hello')
  pids = roles.map(pidOf)
  apiAtRest = openDescriptors(pidOf('api'))
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await server?.stop()
})

// No git can be started at the first request, none in the middle of the push, and none for the hook.
it.each([0, 4, 7, 8, 9])('an api with %i descriptors left refuses a push in a line, and stays', async (left) => {
  // What the push before had open, and is closed only now, would be left besides.
  await until('it is at rest', async () => openDescriptors(pidOf('api')) <= apiAtRest)
  expect(await pushWith('api', left)).toMatch(/The server has no file descriptors left\./)
  expect(roles.map(pidOf)).toEqual(pids)
})

it.each([0, 4])('a worker with %i descriptors left fails the build in a line, and stays', async (left) => {
  expect(await pushWith('worker', left)).toMatch(/\(server exhausted: The server has no file descriptors left\.\)/)
  expect(roles.map(pidOf)).toEqual(pids)
})

it('once there are descriptors a push is taken, by the same processes', async () => {
  const { code, output } = await app.push()
  expect(code, output).toBe(0)
  expect((await app.get()).status).toBe(200)
  expect(roles.map(pidOf)).toEqual(pids)
})

it('a router without descriptors takes no visitor, and serves the next one when it has some', async () => {
  {
    using _few = leaveDescriptors(pidOf('router'), 0)
    await expect(app.get()).rejects.toThrow(/ECONNRESET|socket hang up/)
  }
  expect((await app.get()).status).toBe(200)
  expect(roles.map(pidOf)).toEqual(pids)
})

it('a supervisor without descriptors starts its roles again as soon as it has some', async () => {
  const before = server.pid
  {
    using _none = leaveNoDescriptors(server.pid) // what the dead roles' channels had would do for one start
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    await until('all are gone', async () => roles.every((role) => pidOf(role) === 0))
  }
  await until('all are started again', async () => roles.every((role) => pidOf(role) > 0))
  await until('the app is served', async () => (await statusOf(app.get())) === 200)
  await until('the api answers', async () => (await statusOf(api(server, 'GET', '/apps', { mayFail: true }))) === 200)
  expect(server.pid).toBe(before)
})

/** What a push says that is refused because the role has so few. */
async function pushWith(role: string, left: number): Promise<string> {
  await app.repository.commit(`${role} ${left}`)
  using _few = leaveDescriptors(pidOf(role), left)
  const { code, output } = await app.push()
  if (code === 0) throw new Error(`the push was taken:\n${output}`)
  return output
}

/** 0 while it does not run. */
function pidOf(role: string): number {
  try {
    return rolePid(server.pid, role)
  } catch {
    return 0
  }
}

/** 0 while nobody answers. */
async function statusOf(answer: Promise<{ status: number }>): Promise<number> {
  return answer.then(
    ({ status }) => status,
    () => 0,
  )
}
