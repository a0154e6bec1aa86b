import type { DynoUsage } from '../engine.ts'
import { unlessMissing, type DockerDeps } from './client.ts'

/** What we read of the answer (Engine API, "Get container stats based on resource usage"). */
type Stats = {
  read: string
  cpu_stats: { cpu_usage?: { total_usage?: number } }
  memory_stats: { usage?: number; stats?: { inactive_file?: number; total_inactive_file?: number } }
}

/**
 * One look. `one-shot` (API 1.41) keeps the engine from taking a second one to compare with, which
 * would be two seconds. The first answer in a while comes at once (6 ms with Docker 20.10); one
 * that follows waits for the engine's next look, a second at most.
 */
export async function dynoUsage({ docker }: DockerDeps, id: string): Promise<DynoUsage | undefined> {
  const options = { stream: false, 'one-shot': true } as { stream: false }
  const stats = (await unlessMissing(docker.getContainer(id).stats(options))) as Stats | undefined
  const usage = stats?.memory_stats.usage
  // For a stopped container the engine answers without figures.
  if (stats === undefined || usage === undefined) return undefined
  return {
    at: new Date(stats.read),
    cpuSeconds: (stats.cpu_stats.cpu_usage?.total_usage ?? 0) / 1e9,
    memoryBytes: Math.max(0, usage - reclaimable(stats.memory_stats)),
  }
}

/**
 * As the docker command has it: the cache that the kernel takes back first, under cgroup v1's name
 * and v2's.
 */
function reclaimable({ stats }: Stats['memory_stats']): number {
  return stats?.total_inactive_file ?? stats?.inactive_file ?? 0
}
