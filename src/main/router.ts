import packageJson from '../../package.json' with { type: 'json' }
import { openAppLogWriter } from '../logs/writer.ts'
import { runRouter } from '../router/run.ts'
import { runRole } from './run-role.ts'

export const run = (): Promise<void> =>
  runRole('router', 'data', ({ config, log, abandoned }) => {
    const appLog = openAppLogWriter({ directory: config.paths.logs, log })
    return runRouter({ config, log, appLog, abandoned, version: packageJson.version })
  })

if (import.meta.main) await run()
