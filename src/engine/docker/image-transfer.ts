import { addAbortSignal, type Readable } from 'node:stream'
import { promisify } from 'node:util'
import { PaasError } from '../../errors.ts'
import type { ImageTransfer } from '../image-transfer.ts'
import type { DockerDeps } from './client.ts'
import { readJsonLines, type Progress } from './json-lines.ts'

/** By their names, which a tar of them keeps. */
export async function saveImages(
  { docker }: DockerDeps,
  images: Parameters<ImageTransfer['saveImages']>[0],
  signal: AbortSignal,
): Promise<Readable> {
  const names = images.map(({ references: [name], digest }) => name ?? digest)
  const dial = promisify(docker.modem.dial.bind(docker.modem)) as (call: object) => Promise<Readable>
  const statusCodes = { 200: true, 404: 'no such image', 500: 'server error' }
  const tar = await dial({ path: '/images/get?', method: 'GET', options: { names }, isStream: true, statusCodes })
  return addAbortSignal(signal, tar)
}

export async function restoreImages({ docker }: DockerDeps, tar: Readable, signal: AbortSignal): Promise<void> {
  const answer = (await docker.loadImage(tar, { quiet: true, abortSignal: signal })) as Readable
  for await (const { error } of readJsonLines<Progress>(answer)) {
    if (error) throw new PaasError('internal', `Docker did not take the images: ${error}`)
  }
}
