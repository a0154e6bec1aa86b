import { parseArgs } from 'node:util'
import { loadConfig } from '../config.ts'
import { connectDocker } from '../engine/docker/docker.ts'
import { createLog } from '../log.ts'
import { installMissing } from '../setup/apt.ts'
import { findEngine, startEngine } from '../setup/engine.ts'
import { showProgress } from '../setup/progress.ts'
import { missing, requirements } from '../setup/requirements.ts'
import { makeImages } from '../setup/images.ts'
import { sayFailure } from '../supervisor/terminal.ts'

/**
 * Makes the machine ready: programs, a running engine, the images of the stack. Run by bin/setup
 * before everything else; quick and silent when all is there. `--tests` adds what only the tests
 * call.
 */
try {
  const { values } = parseArgs({ options: { tests: { type: 'boolean', default: false } } })
  await setUp(values.tests)
} catch (thrown) {
  sayFailure(thrown)
  process.exitCode = 1
}

async function setUp(tests: boolean): Promise<void> {
  const config = loadConfig()
  const progress = showProgress()
  // Stack images belong to no server. The id labels only the containers that make them, which are
  // removed afterwards.
  const engine = connectDocker({ docker: config.docker, serverId: 'setup', log: createLog('setup', 'warn') })
  const found = await findEngine(engine, config.docker)
  const wanted = requirements({
    embeddedRedis: config.redis.kind === 'embedded',
    localEngine: config.docker.kind === 'socket',
    installEngine: found === 'absent',
    backups: config.backup !== undefined,
    tests,
  })
  await installMissing(await missing(wanted, process.env['PATH'] ?? ''), progress)
  if (found === 'absent') await startEngine(engine, progress)
  await makeImages({ engine, config, progress })
}
