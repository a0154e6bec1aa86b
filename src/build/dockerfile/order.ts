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
  /** The source, laid out as in the sandbox. */
  source: Readable
  registries: Registries
  /** Layers of images that the engine has, so they need not come out of the sandbox. */
  engineLayers: string[][]
  /** Stages built in parallel. */
  jobs: number
  /** What the app's steps, cache mounts and fetched images may keep on disk. */
  cacheMiB: number
}

/**
 * The command that builds a Dockerfile in a sandbox. It gets no config vars: images must not hold
 * them.
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
