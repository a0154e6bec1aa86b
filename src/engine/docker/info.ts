import type { EngineInfo } from '../engine.ts'
import type { DockerDeps } from './client.ts'

export async function info({ docker }: Pick<DockerDeps, 'docker'>): Promise<EngineInfo> {
  const found = (await docker.info()) as Record<'ServerVersion' | 'DockerRootDir' | 'Name', string> &
    Record<'MemTotal' | 'NCPU', number> & { Runtimes?: Record<string, unknown> }
  return {
    name: 'docker',
    version: found.ServerVersion,
    host: found.Name,
    rootDirectory: found.DockerRootDir,
    memoryMiB: Math.floor(found.MemTotal / 2 ** 20),
    cpus: found.NCPU,
    runtimes: Object.keys(found.Runtimes ?? {}),
  }
}
