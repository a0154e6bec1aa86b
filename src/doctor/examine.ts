import type { Config } from '../config.ts'
import type { Engine } from '../engine/engine.ts'
import { asPaasError } from '../errors.ts'
import type { Finding } from '../model/finding.ts'
import type { CertificatesOnRecord } from '../model/managed-certificate.ts'
import { findBackups } from './backups.ts'
import { findCertificates } from './certificates.ts'
import { findDocker } from './docker.ts'
import { findingsOf } from './findings.ts'
import { findFirewall } from './firewall.ts'
import { findCode, findService } from './installation.ts'
import { findClock, findMemory, judgeDisk, usageOf } from './machine.ts'
import { findNames } from './names.ts'
import { findPorts } from './ports.ts'

type Examined = {
  config: Config
  engine: Pick<Engine, 'info'>
  certificates: () => CertificatesOnRecord | undefined
}

/** Looks at all that a server needs of its machine, and changes nothing. */
export async function examine({ config, engine, certificates }: Examined): Promise<Finding[]> {
  const { dataDirectory } = config
  const ports = looking('ports', () => findPorts(config))
  const parts = [
    looking('settings', () => [judgeSettings(config)]),
    looking('code', () => [findCode()]),
    looking('service', async () => [await findService()]),
    ports,
    looking('names', () => findNames(config)),
    looking('certificates', () => findCertificates(config, certificates)),
    looking('firewall', async () => [await findFirewall(config, { serves: serves(await ports) })]),
    looking('docker', () => findDocker(engine)),
    looking('disk', async () => [judgeDisk('data', dataDirectory, await usageOf(dataDirectory))]),
    looking('memory', () => [findMemory()]),
    looking('clock', async () => [await findClock()]),
    looking('backups', async () => [await findBackups(config)]),
  ]
  return (await Promise.all(parts)).flat()
}

/** What can be told without settings, which are wrong. */
export function examineWithout(thrown: unknown): Finding[] {
  const { message, hint } = asPaasError(thrown)
  return [findingsOf('settings').bad(message, hint ?? null), findMemory()]
}

function judgeSettings({ settingsFile, domain, httpPort, httpsPort }: Config): Finding {
  const from = settingsFile ?? 'environment variables and defaults'
  const ports = [httpPort, httpsPort].filter((port) => port !== undefined).join(' and ')
  return findingsOf('settings').good(`${from}: ${domain} at port ${ports}`)
}

/** A look that fails is told as one, and the others go on. */
async function looking(name: string, look: () => Finding[] | Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look()
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    return [findingsOf(name).unknown(reason)]
  }
}

function serves(findings: Finding[]): boolean {
  return findings.some(({ name, state }) => name === 'server' && state === 'good')
}
