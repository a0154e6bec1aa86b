import type { Dyno } from '../engine.ts'
import { unlessMissing, type DockerDeps } from './client.ts'
import { layerBytes } from './disk-watch.ts'
import { listDynos } from './dynos.ts'

/** One after the other: each look walks what the dyno has written. */
export async function overfullDynos(deps: DockerDeps, limitMiB: number): Promise<{ dyno: Dyno; mebibytes: number }[]> {
  const overfull = []
  for (const dyno of await listDynos(deps)) {
    const mebibytes = ((await unlessMissing(layerBytes(deps.docker.getContainer(dyno.id)))) ?? 0) / 2 ** 20
    if (mebibytes > limitMiB) overfull.push({ dyno, mebibytes })
  }
  return overfull
}
