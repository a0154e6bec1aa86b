import type { Registries } from '../../model/network.ts'
import { Readable } from 'node:stream'
import { pack } from '../../tar.ts'
import type { Sandbox } from '../../engine/engine.ts'
import { cacheDirectory } from '../directories.ts'
import { oneAfterAnother } from '../order.ts'
import { builderPrograms } from '../toolbox.ts'
import { policyFile, registriesFile } from './registries.ts'

/** Where they are kept, beside what buildpacks do. */
const stepsDirectory = `${cacheDirectory}/dockerfile`

type Parts = {
  /** The source, as it is to lie in the sandbox. */
  source: Readable
  registries: Registries
  /** For each image the engine has, its layers: they need not come out of the sandbox again. */
  engineLayers: string[][]
  /** Stages that are built at once. */
  jobs: number
  /** What the app's steps, cache mounts and fetched images may keep on disk. */
  cacheMiB: number
}

/**
 * What a sandbox is told to do to build a Dockerfile. Config vars are not among it: an image holds
 * none.
 */
export function dockerfileOrder({
  source,
  registries,
  engineLayers,
  jobs,
  cacheMiB,
}: Parts): Parameters<Sandbox['run']>[0] {
  const archive = pack()
  archive.entry({ name: 'tmp/policy.json' }, policyFile(registries))
  archive.entry({ name: 'tmp/registries.conf' }, registriesFile(registries))
  archive.entry({ name: 'tmp/shared' }, engineLayers.map((layers) => `${layers.join(' ')}\n`).join(''))
  archive.finalize()
  return {
    argv: [`${builderPrograms}/build`, stepsDirectory, String(cacheMiB), String(jobs)],
    env: { CONTAINERS_REGISTRIES_CONF: '/tmp/registries.conf' },
    files: Readable.from(oneAfterAnother(Readable.from(archive), source), { objectMode: false }),
  }
}
