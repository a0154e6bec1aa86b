import { request } from 'node:http'
import { once } from 'node:events'
import type { Config } from '../config.ts'
import { asPaasError } from '../errors.ts'
import type { Finding } from '../model/finding.ts'
import { routerStatus } from '../router/control/client.ts'
import { hasPort, type RouterStatus } from '../router/control/protocol.ts'
import { bindPort } from '../router/listen.ts'
import { findingsOf } from './findings.ts'

type Ported = Pick<Config, 'httpPort' | 'httpsPort' | 'paths' | 'domain'>

/** Who has the public ports, and whether the server answers there. */
export async function findPorts(config: Ported): Promise<Finding[]> {
  const router = await routerStatus(config.paths.routerSocket).catch(() => undefined)
  const ports = [config.httpPort, config.httpsPort].filter((port) => port !== undefined)
  return [...ports.map((port) => judgePort(port, router)), await findAnswer(config, router)]
}

function judgePort(port: number, router: RouterStatus | undefined): Finding {
  const ports = findingsOf('ports')
  if (hasPort(router?.settings, port)) return ports.good(`port ${port} is the router's (pid ${router?.pid})`)
  try {
    bindPort({ port, shared: false }).close()
    return ports.good(`port ${port} is free`)
  } catch (thrown) {
    const advice = `See who has it with: ss -ltnp 'sport = :${port}'. Stop that, or choose another port (docs/configuration.md).`
    const { message } = asPaasError(thrown)
    const may = message.includes('may not listen')
    return may ? ports.unknown(message.replace(/\.$/, '')) : ports.bad(message.replace(/\.$/, ''), advice)
  }
}

/** Asks as a visitor does, for what needs no login to be refused. */
async function findAnswer({ httpPort, domain, paths }: Ported, router: RouterStatus | undefined): Promise<Finding> {
  const server = findingsOf('server')
  if (router === undefined) return server.bad('the server does not run', `See its last lines: ${paths.serverLog}`)
  const outgoing = request({ host: '127.0.0.1', port: httpPort, path: '/server', headers: { host: domain } })
  outgoing.setTimeout(20_000, () => outgoing.destroy(new Error('no answer within 20 s')))
  try {
    const [response] = (await once(outgoing.end(), 'response')) as [{ statusCode: number; resume: () => void }]
    response.resume()
    if (response.statusCode < 500) return server.good(`router and API answer at port ${httpPort}`)
    return server.bad(`the API does not answer (status ${response.statusCode})`, `See ${paths.serverLog}`)
  } catch (cause) {
    return server.bad(`nothing answers at port ${httpPort}: ${(cause as Error).message}`, `See ${paths.serverLog}`)
  }
}
