import { resolve } from 'node:path'
import { startServer } from '../test/helpers/server.ts'
import { benchAfterLoad } from './after-load.ts'
import { benchApps } from './apps.ts'
import { benchBackups } from './backups.ts'
import { benchCli } from './cli.ts'
import { benchCompiled } from './compiled.ts'
import { benchData } from './data.ts'
import { benchDashboard } from './dashboard.ts'
import { benchDashboardLog } from './dashboard-log.ts'
import { benchDockerfile } from './dockerfile.ts'
import { benchEngine } from './engine.ts'
import { benchLargeApps } from './large-apps.ts'
import { benchLibraries } from './libraries.ts'
import { benchLogs } from './logs.ts'
import { benchMemory, ownRuntime } from './memory.ts'
import { benchProxy } from './proxy.ts'
import { benchOutputDelay, benchPush } from './push.ts'
import { benchRedeploy } from './redeploy.ts'
import { benchStackUpgrade } from './stack-upgrade.ts'
import { benchStream } from './stream.ts'
import { printTable, writeJson, type Row } from './table.ts'

/** `npm run bench [-- PART …]`: every figure of docs/performance.md, measured on a server of its own. */

// As a server has it that nobody tells anything else.
const usual = { PAAS_BUILD_STANDBY: '600' }
// Other programs that run from the same file share its pages, and make the sums smaller.
await using runtime = await ownRuntime()
const bundle = { directory: resolve(import.meta.dirname, '../dist') }
const server = await startServer({ bundle, env: usual, program: runtime.path })
const parts: Record<string, () => Promise<Row[]>> = {
  memory: async () => benchMemory(server.pid),
  push: async () => benchPush(server),
  large: async () => benchLargeApps(server),
  output: async () => benchOutputDelay(server),
  dockerfile: async () => benchDockerfile(),
  redeploy: async () => benchRedeploy(server),
  go: async () => benchCompiled(server, 'go'),
  rust: async () => benchCompiled(server, 'rust'),
  java: async () => benchCompiled(server, 'java'),
  engine: benchEngine,
  data: async () => benchData(server),
  stack: benchStackUpgrade,
  backups: benchBackups,
  stream: benchStream,
  logs: benchLogs,
  cli: async () => benchCli(server),
  dashboard: async () => [...(await benchDashboard(server)), ...(await benchDashboardLog(server))],
  proxy: benchProxy,
  apps: async () => benchApps(server),
  'after-load': async () => benchAfterLoad(server),
  libraries: async () => benchLibraries(server),
}

/** Takes more than an hour, so it is measured only when it is asked for. */
const onlyWhenNamed = ['after-load']
const wanted = process.argv.slice(2)
const rows: Row[] = []
try {
  for (const [name, measure] of Object.entries(parts)) {
    if (wanted.length > 0 ? !wanted.includes(name) : onlyWhenNamed.includes(name)) continue
    process.stderr.write(`measuring: ${name}\n`)
    rows.push(...(await measure()))
  }
} finally {
  await server.stop()
}
printTable(rows)
writeJson('bench', rows)
