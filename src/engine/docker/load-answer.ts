import type { Readable } from 'node:stream'
import { PaasError } from '../../errors.ts'
import { readJsonLines, type Progress } from './json-lines.ts'

/**
 * Reads to its end what the engine says of an archive of one image that it loads.
 * @throws build_failed for what is in its layers, disk_full
 */
export async function readLoadAnswer(answer: Readable): Promise<void> {
  for await (const { error, stream = '' } of readJsonLines<Progress>(answer)) {
    // containerd's image store keeps an image whose layers it cannot unpack; only the progress
    // messages say so.
    if (error !== undefined || stream.startsWith('Error unpacking ')) throw notTaken(error ?? stream)
  }
}

/**
 * What the engine says of a layer is about the files in it, which are the app's; unless it is
 * the disk's. Its own directories are nobody's.
 */
function notTaken(error: string): PaasError {
  if (/no space left on device/i.test(error))
    return new PaasError('disk_full', "The disk that holds Docker's data is full.")
  const words = error
    .replace(/^.*failed to extract layer [^ ]+: /, '')
    .split(' ')
    .map(inImage)
    .join(' ')
  return new PaasError(
    'build_failed',
    `build failed: its files cannot be stored as an image: ${words.trim().slice(0, 300)}`,
  )
}

/** A word of an error, with a path in the engine's directories as one of the image. */
function inImage(word: string): string {
  const place = /\/snapshots\/\d+\/fs\//.exec(word)
  return place ? word.slice(0, word.indexOf('/')) + word.slice(place.index + place[0].length - 1) : word
}
