import { installMissing } from '../../src/setup/apt.ts'
import { showProgress } from '../../src/setup/progress.ts'
import { missing, type Requirement } from '../../src/setup/requirements.ts'
import { sayFailure } from '../../src/supervisor/terminal.ts'

/** Installs the requirements given as JSON, as set-up does. */
const wanted = JSON.parse(process.argv[2] ?? '') as Requirement[]
try {
  await installMissing(await missing(wanted, process.env['PATH'] ?? ''), showProgress())
} catch (thrown) {
  sayFailure(thrown)
  process.exitCode = 1
}
