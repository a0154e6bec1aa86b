import { runRole } from './run-role.ts'
import { openAppLogWriter } from '../logs/writer.ts'
import { runRouter } from '../router/run.ts'

await runRole('router', 'data', async ({ config, log }) => {
  const appLog = openAppLogWriter({ directory: config.paths.logs, log })
  return runRouter({ config, log, appLog })
})
