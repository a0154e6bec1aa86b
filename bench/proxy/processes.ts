import { once } from 'node:events'
import { BoundSocket, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { AppId } from '../../src/model/ids.ts'
import type { AppRoute } from '../../src/model/route.ts'
import { connectRouterControl, routerStatus } from '../../src/router/control/client.ts'
import { median } from '../statistics.ts'
import type { Row } from '../table.ts'
import { freePort, type Listening } from './process.ts'
import { startRouterProcess } from './router-process.ts'

const routes = 10_000
const changes = 40
const host = 'bench.localhost'

type Routers = AsyncDisposable & { port: number; run: string; control: ReturnType<typeof connectRouterControl> }

/** How soon a change of one of 10,000 routes is in force in each of two processes of a router. */
export async function benchChanges(directory: string, apps: [Listening, Listening]): Promise<Row[]> {
  await using routers = await startRouters(directory, 2)
  await routers.control.install({
    controlHost: 'localhost',
    controlSocket: '/nonexistent',
    routes: [routeTo(apps[0]), ...Array.from({ length: routes - 1 }, (_, i) => otherRoute(i))],
  })
  const visitors = await visitorsOfEach(routers)
  const times: number[] = []
  for (let i = 1; i <= changes; i++) {
    const began = performance.now()
    const told = routers.control.switchTo(routeTo(apps[i % 2]!))
    await Promise.all(visitors.map((visitor) => untilChanged(visitor, i)))
    times.push(performance.now() - began)
    await told
  }
  for (const visitor of visitors) visitor.destroy()
  const worst = Math.max(...times)
  return [
    { what: 'proxy, a change of one of 10,000 routes in both processes', value: median(times), unit: 'ms' },
    { what: 'proxy, the slowest of 40', value: worst, unit: 'ms', target: '≤ 50 ms', met: worst <= 50 },
  ]
}

/** As the supervisor starts them: all listen at sockets that somebody else holds. */
async function startRouters(directory: string, processes: number): Promise<Routers> {
  await using started = new AsyncDisposableStack()
  const [port, httpsPort] = [await freePort(), await freePort()]
  const sockets = [port, httpsPort].map((each) => started.adopt(new BoundSocket({ port: each }), (one) => one.close()))
  const data = join(directory, 'data')
  for (let number = 1; number <= processes; number++) {
    const env = {
      PAAS_ROUTER_PROCESSES: String(processes),
      ROUTER_NUMBER: String(number),
      ROUTER_SECRET: 'bench',
      LISTEN_FDS: '2',
      LISTEN_PID: '',
    }
    const descriptors = sockets.map((socket) => socket.fd())
    const child = await startRouterProcess({ core: number % 2, data, port, httpsPort, env, sockets: descriptors })
    started.defer(async () => {
      if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit')
    })
  }
  const run = join(data, 'run/router')
  const stack = started.move()
  const control = connectRouterControl(join(run, 'control.sock'))
  return { port, run, control, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** A connection to each of two processes. */
async function visitorsOfEach({ port, run }: Routers): Promise<Socket[]> {
  const found: (Socket | undefined)[] = [undefined, undefined]
  while (found.includes(undefined)) {
    const before = await connectionsOfSecond(run)
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    await ask(socket)
    const place = (await connectionsOfSecond(run)) - before
    found[place]?.destroy()
    found[place] = socket
  }
  return found.filter((socket) => socket !== undefined)
}

async function connectionsOfSecond(run: string): Promise<number> {
  return (await routerStatus(join(run, 'control-2.sock')))?.counters.connections ?? 0
}

async function untilChanged(visitor: Socket, change: number): Promise<void> {
  while ((await ask(visitor)).endsWith('ok') !== (change % 2 === 0)) await delay(1)
}

async function ask(socket: Socket): Promise<string> {
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  return answer.toString('latin1').trim()
}

function routeTo({ port }: Listening): AppRoute {
  return routeOf('bench', host, port)
}

function otherRoute(i: number): AppRoute {
  return routeOf(`other-${i}`, `other-${i}.localhost`, 9)
}

function routeOf(app: string, name: string, port: number): AppRoute {
  const target = { id: `${app}-${port}`, dyno: 'web.1', release: 1, host: '127.0.0.1', port }
  return { appId: app as AppId, app, hosts: [name], state: 'up', targets: [target] }
}
