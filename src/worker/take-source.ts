import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { verified } from '../source/checksum.ts'
import { PaasError } from '../errors.ts'
import type { Repositories } from '../model/repositories.ts'
import { sourcePath, type BuildSource } from '../model/source.ts'
import { download, withoutSecrets } from '../outbound/download.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { Quotas } from '../quotas/quotas.ts'
import type { Store } from '../store/store.ts'
import type { BuildRun } from './build-phases.ts'

export type TakeSourceDeps = {
  store: Pick<Store, 'apps' | 'builds'>
  quotas: Pick<Quotas, 'holdRepositoryRoom'>
  repositories: Pick<Repositories, 'importTarball'>
  /** `paths.sources` */
  sourcesDirectory: string
  outbound: Outbound
  /** How large a tarball may be as it comes. */
  tarballBytes: number
}

/**
 * Makes the tarball of a build a commit of the app's repository: from here on it is built as one that was pushed.
 * @throws source_invalid, checksum_wrong, download_failed, address_forbidden, account_limit
 */
export async function takeSource(deps: TakeSourceDeps, { build, output, signal }: BuildRun): Promise<string> {
  const source = deps.store.builds.source(build.id)
  const app = deps.store.apps.get(build.appId)
  if (!source || !app) throw new PaasError('internal', `The build ${build.id} has neither a commit nor a tarball.`)
  using room = await deps.quotas.holdRepositoryRoom(app)
  output.topic(source.from.kind === 'url' ? `Fetching ${withoutSecrets(source.from.url)}` : 'Unpacking the source')
  const tarball = verified(await open(deps, source, signal), source.sha256)
  const grow = (bytes: number): void => room.take(bytes)
  const commit = await deps.repositories.importTarball(build.appId, build.id, { bytes: tarball, grow }, signal)
  if (deps.store.builds.recordCommit(build.id, build.generation, commit)) return commit
  throw new PaasError('internal', `Another attempt has taken over the build ${build.id}.`)
}

async function open(
  { sourcesDirectory, outbound, tarballBytes }: TakeSourceDeps,
  { from }: BuildSource,
  signal: AbortSignal,
): Promise<Readable> {
  switch (from.kind) {
    case 'upload':
      return createReadStream(sourcePath(sourcesDirectory, from.id))
    case 'url':
      return download(outbound, { url: from.url, most: tarballBytes }, signal)
  }
}
