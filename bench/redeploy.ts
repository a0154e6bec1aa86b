import { Agent, get } from 'node:http'
import { TestApp, type ServerAddress } from '../test/helpers/app.ts'
import type { Row } from './table.ts'

/** Requests that fail while an app is redeployed ten times under a steady load of `rate` requests per second. */
export async function benchRedeploy(server: ServerAddress, deploys = 10, rate = 200): Promise<Row[]> {
  await using app = await TestApp.create(server, 'node-hello')
  await deploy(app, 0)
  const load = steadyLoad(app, rate)
  for (let n = 1; n <= deploys; n += 1) await deploy(app, n)
  const { sent, failures } = await load.stop()
  return [
    { what: `requests while redeploying ${deploys} times`, value: sent, unit: 'requests' },
    {
      what: '  failed',
      value: failures.length,
      unit: 'requests',
      target: '0',
      met: failures.length === 0,
      ...(failures.length > 0 ? { note: [...new Set(failures)].join('; ') } : {}),
    },
  ]
}

async function deploy(app: TestApp, n: number): Promise<void> {
  await app.repository.write('round.txt', String(n))
  await app.repository.commit(`round ${n}`)
  const { code, output } = await app.push()
  if (code !== 0) throw new Error(`deploy ${n} failed:\n${output}`)
}

/** Sends at a fixed rate, however slow the answers are, half of it on kept-alive connections. */
function steadyLoad(app: TestApp, rate: number): { stop(): Promise<{ sent: number; failures: string[] }> } {
  const keepAlive = new Agent({ keepAlive: true, maxSockets: 16 })
  const failures: string[] = []
  const open = new Set<Promise<void>>()
  let sent = 0
  const timer = setInterval(() => {
    sent += 1
    const one = send(app, sent % 2 === 0 ? keepAlive : false).then((failure) => {
      if (failure !== undefined) failures.push(failure)
      open.delete(one)
    })
    open.add(one)
  }, 1000 / rate)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(open)
      keepAlive.destroy()
      return { sent, failures }
    },
  }
}

/** What went wrong, or undefined. */
function send(app: TestApp, agent: Agent | false): Promise<string | undefined> {
  return new Promise((settle) => {
    get({ host: '127.0.0.1', port: app.server.port, agent, headers: { host: app.host } }, (answer) => {
      answer.on('error', (cause) => settle(cause.message))
      answer.on('end', () => settle(answer.statusCode === 200 ? undefined : `status ${answer.statusCode}`))
      answer.resume()
    }).on('error', (cause) => settle(cause.message))
  })
}
