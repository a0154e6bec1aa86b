import type { Readable } from 'node:stream'
import type { Image } from '../engine.ts'
import { unlessMissing, type DockerDeps } from './client.ts'
import { getImage } from './images.ts'
import { readLoadAnswer } from './load-answer.ts'

/**
 * Has the engine take an archive of one image. Nothing of one that it does not take remains.
 * @throws build_failed for what is in its layers
 */
export async function load(
  deps: DockerDeps,
  archive: Readable,
  reference: string,
  signal?: AbortSignal,
): Promise<Image> {
  try {
    const answer = await deps.docker.loadImage(archive, { quiet: true, ...(signal && { abortSignal: signal }) })
    await readLoadAnswer(answer as Readable)
    return await getImage(deps, reference)
  } catch (error) {
    await unlessMissing(deps.docker.getImage(reference).remove({ force: true })).catch((failure: unknown) =>
      deps.log.warn({ error: failure, reference }, 'an image that was not taken is not removed'),
    )
    throw error
  }
}
