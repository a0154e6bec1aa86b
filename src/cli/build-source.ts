import type { Client } from './client.ts'
import { describeState, packDirectory, readTarball, type Tarball } from './tarball.ts'

export type SourceOptions = {
  sourceDir?: string | true
  sourceTar?: string
  sourceUrl?: string
  sourceVersion?: string
}

type Blob = { url: string; version?: string }

/**
 * What a build is asked to be made of: the upload of a directory or a tarball, or an address;
 * undefined: what was pushed.
 */
export async function sourceBlobFor(api: Client, options: SourceOptions): Promise<Blob | undefined> {
  const { sourceDir, sourceTar, sourceUrl, sourceVersion: version } = options
  if (sourceUrl !== undefined) return { url: sourceUrl, ...(version !== undefined && { version }) }
  if (sourceTar !== undefined) {
    return { url: await upload(api, readTarball(sourceTar)), ...(version !== undefined && { version }) }
  }
  if (sourceDir === undefined) return undefined
  const directory = sourceDir === true ? '.' : sourceDir
  const state = version ?? (await describeState(directory))
  return { url: await upload(api, await packDirectory(directory)), ...(state !== undefined && { version: state }) }
}

/** Returns the address to build from. */
async function upload(api: Client, { bytes, done }: Tarball): Promise<string> {
  const { source_blob } = await api.post<{ source_blob: { put_url: string; get_url: string } }>('/sources', {})
  const [sent] = await Promise.allSettled([api.upload(source_blob.put_url, bytes), done])
  // The reason that git or tar gave is more useful than that the upload was cut off.
  await done
  if (sent.status === 'rejected') throw sent.reason
  return source_blob.get_url
}
