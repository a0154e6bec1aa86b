import { parseArgs } from 'node:util'
import { loadConfig, type Config } from '../config.ts'
import { tellBackups } from '../doctor/backups.ts'
import { examine, examineWithout } from '../doctor/examine.ts'
import { saveFindings } from '../doctor/saved.ts'
import { connectDocker } from '../engine/docker/docker.ts'
import { createLog } from '../log.ts'
import type { Finding } from '../model/finding.ts'
import { readCertificatesOnRecord } from '../store/certificates-on-record.ts'
import { sayFailure } from '../supervisor/terminal.ts'

/**
 * `node dist/doctor.js` looks at what the server needs of its machine and prints the findings as
 * JSON; with `--save` it leaves them in the data directory for the API.
 */
try {
  const { values } = parseArgs({ options: { save: { type: 'boolean', default: false } } })
  const config = loadConfigOrNot()
  const findings = config instanceof Error ? examineWithout(config) : await look(config)
  if (!values.save) process.stdout.write(`${JSON.stringify(findings)}\n`)
  else if (!(config instanceof Error)) {
    const backups = await tellBackups(config)
    saveFindings(config.paths.findings, { checkedAt: Date.now(), findings, backups })
  }
} catch (thrown) {
  sayFailure(thrown)
  process.exitCode = 1
}

function loadConfigOrNot(): Config | Error {
  try {
    return loadConfig()
  } catch (thrown) {
    return thrown instanceof Error ? thrown : new Error(String(thrown))
  }
}

async function look(config: Config): Promise<Finding[]> {
  const engine = connectDocker({ docker: config.docker, serverId: 'doctor', log: createLog('doctor', 'silent') })
  return examine({ config, engine, certificates: () => readCertificatesOnRecord(config.paths.database) })
}
