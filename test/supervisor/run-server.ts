import { once } from 'node:events'
import { join } from 'node:path'
import { loadConfig } from '../../src/config.ts'
import { supervise } from '../../src/supervisor/supervise.ts'
import { outliveReaders, sayFailure, sayReady } from '../../src/supervisor/terminal.ts'

/** The supervisor as src/main/server.ts runs it, with roles that do nothing but live. */
outliveReaders()
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
try {
  const config = loadConfig()
  const rolesDirectory = process.env['TEST_ROLES'] ?? join(import.meta.dirname, 'roles')
  const silentMs = Number(process.env['TEST_SILENT_MS'] ?? 20_000)
  await using _server = await supervise({ config, rolesDirectory, env: process.env, silentMs }, stop.signal)
  sayReady(config)
  if (!stop.signal.aborted) await once(stop.signal, 'abort')
} catch (thrown) {
  sayFailure(thrown)
  process.exitCode = 1
}
