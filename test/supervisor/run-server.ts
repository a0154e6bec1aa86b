import { join } from 'node:path'
import { runServer } from '../../src/main/server.ts'
import { sayFailure } from '../../src/supervisor/terminal.ts'

/** A server as src/main/server.ts runs it, with roles that do nothing but live. */
const rolesDirectory = process.env['TEST_ROLES'] ?? join(import.meta.dirname, 'roles')
const silentMs = Number(process.env['TEST_SILENT_MS'] ?? 20_000)
const takeOver = process.argv.includes('--take-over')
try {
  await runServer({ rolesDirectory, silentMs, takeOver })
} catch (thrown) {
  sayFailure(thrown)
  process.exitCode = 1
}
