import type { ChildProcess, StdioOptions } from 'node:child_process'
import { resolve } from 'node:path'
import { routerYoungMiB } from '../../src/supervisor/children.ts'
import { sparingEnvironment } from '../../src/supervisor/role-process.ts'
import { start, untilReady } from './process.ts'

const main = resolve(import.meta.dirname, '../../src/main/router.ts')

type RouterProcess = {
  core: number
  /** Its data directory. */
  data: string
  port: number
  httpsPort: number
  env?: NodeJS.ProcessEnv
  /** Descriptors from 3 on. */
  sockets?: number[]
}

/** A process of the router, with what the supervisor gives it; it is ready. */
export async function startRouterProcess(options: RouterProcess): Promise<ChildProcess> {
  const { core, data, port, httpsPort, env = {}, sockets = [] } = options
  const stdio: StdioOptions = ['ignore', 'ignore', 'inherit', ...sockets, 'ipc']
  const child = start(core, process.execPath, [`--max-semi-space-size=${routerYoungMiB}`, main], {
    env: {
      ...sparingEnvironment,
      ...process.env,
      PAAS_DATA: data,
      PAAS_HTTP_PORT: String(port),
      PAAS_HTTPS_PORT: String(httpsPort),
      PAAS_LOG_LEVEL: 'warn',
      ...env,
    },
    stdio,
  })
  await untilReady(child)
  return child
}
