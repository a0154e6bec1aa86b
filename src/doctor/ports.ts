import type { Config } from '../config.ts'
import { asPaasError } from '../errors.ts'
import type { Finding } from '../model/finding.ts'
import { routerStatus } from '../router/control/client.ts'
import { hasPort, type RouterStatus } from '../router/control/protocol.ts'
import { bindPort } from '../router/listen.ts'
import { statusOfApi } from './status-of-api.ts'
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

async function findAnswer(config: Ported, router: RouterStatus | undefined): Promise<Finding> {
  const server = findingsOf('server')
  const advice = `See its last lines: ${config.paths.serverLog}`
  if (router === undefined) return server.bad('the server does not run', advice)
  try {
    const status = await statusOfApi(config)
    if (status < 500) return server.good(`router and API answer at port ${config.httpPort}`)
    return server.bad(`the API does not answer (status ${status})`, advice)
  } catch (cause) {
    return server.bad(`nothing answers at port ${config.httpPort}: ${(cause as Error).message}`, advice)
  }
}
