import type { Engine } from '../engine.ts'
import type { DockerDeps } from './client.ts'
import { excessOf, mostOf } from './disk-watch.ts'
import type { DynoViews } from './dyno-views.ts'
import { listDynos } from './dynos.ts'
import type { Host } from './host.ts'

type OverfullDeps = DockerDeps & { views: DynoViews; host: Pick<Host, 'diskUsage'> }

/** Measures one dyno after the other: each measurement walks its files. */
export async function overfullDynos(deps: OverfullDeps, limitMiB: number): ReturnType<Engine['overfullDynos']> {
  const overfull = []
  for (const dyno of await listDynos(deps)) {
    const usage = await deps.host.diskUsage(deps.docker.getContainer(dyno.id), mostOf(limitMiB))
    const excess = usage && excessOf(usage, limitMiB)
    if (excess !== undefined) overfull.push({ dyno, excess })
  }
  return overfull
}
