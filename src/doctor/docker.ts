import type { Engine, EngineInfo } from '../engine/engine.ts'
import { asPaasError } from '../errors.ts'
import type { Finding } from '../model/finding.ts'
import { findingsOf } from './findings.ts'
import { judgeDisk, usageOf } from './machine.ts'
import { output } from './run.ts'

const docker = findingsOf('docker')

/** The engine, whether it starts with the machine, and the disk that its data is on. */
export async function findDocker(engine: Pick<Engine, 'info'>): Promise<Finding[]> {
  try {
    const info = await engine.info()
    const disk = await usageOf(info.rootDirectory).catch(() => undefined)
    const starts = await output('systemctl', ['is-enabled', 'docker.service'])
    return [
      judgeDocker(info, { atBoot: starts === undefined ? undefined : starts.trim() === 'enabled' }),
      ...(disk ? [judgeDisk('Docker', info.rootDirectory, disk)] : []),
    ]
  } catch (thrown) {
    const { message, hint } = asPaasError(thrown)
    return [docker.bad(message.replace(/\.$/, ''), hint ?? 'Start it: systemctl start docker')]
  }
}

/** @param options.atBoot undefined: not known */
export function judgeDocker(
  { version }: Pick<EngineInfo, 'version'>,
  { atBoot }: { atBoot: boolean | undefined },
): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 10)) {
    return docker.bad(`Docker ${version} is too old`, 'Install 20.10 or newer.')
  }
  if (atBoot === false) {
    return docker.warning(`Docker ${version} does not start with the machine`, 'Run: systemctl enable docker')
  }
  return docker.good(`Docker ${version}`)
}
