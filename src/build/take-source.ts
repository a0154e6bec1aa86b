import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { PaasError } from '../errors.ts'
import { sourcePath, type BuildSource } from '../model/source.ts'
import { download, withoutSecrets } from '../outbound/download.ts'
import { verified } from '../source/checksum.ts'
import type { BuildRun, BuildParts } from './parts.ts'

type Used = Pick<BuildParts, 'store' | 'repositories' | 'quotas' | 'sourcesDirectory' | 'outbound' | 'tarballBytes'>

/**
 * Makes the tarball of a build a commit of the app's repository: from here on it is built as one
 * that was pushed.
 * @throws source_invalid, checksum_wrong, download_failed, address_forbidden, account_limit
 */
export async function takeSource(parts: Used, { build, output, signal }: BuildRun): Promise<string> {
  const source = parts.store.builds.source(build.id)
  const app = parts.store.apps.get(build.appId)
  if (!source || !app) throw new PaasError('internal', `The build ${build.id} has neither a commit nor a tarball.`)
  using room = await parts.quotas.holdRepositoryRoom(app)
  output.topic(source.from.kind === 'url' ? `Fetching ${withoutSecrets(source.from.url)}` : 'Unpacking the source')
  const tarball = verified(await open(parts, source, signal), source.sha256)
  const grow = (bytes: number): void => room.take(bytes)
  const commit = await parts.repositories.importTarball(build.appId, build.id, { bytes: tarball, grow }, signal)
  if (parts.store.builds.recordCommit(build.id, build.generation, commit)) return commit
  throw new PaasError('internal', `Another attempt has taken over the build ${build.id}.`)
}

async function open(
  { sourcesDirectory, outbound, tarballBytes }: Used,
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
