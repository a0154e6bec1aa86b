import type { Readable } from 'node:stream'
import { PaasError } from '../../errors.ts'
import { extract, type TarEntry } from '../../tar.ts'
import type { SandboxFile } from '../sandbox.ts'

/**
 * The file in an archive of one, as the engine gives it of a container; undefined for what is none,
 * such as a link. The engine holds the container until all is read, or disposed of.
 */
export async function archivedFile(archive: Readable): Promise<SandboxFile | undefined> {
  const entries = extract()
  archive.on('error', (error) => entries.destroy(error)).pipe(entries)
  try {
    const { value: entry } = (await entries[Symbol.asyncIterator]().next()) as IteratorResult<TarEntry, undefined>
    if (entry?.header.type === 'file') {
      const content = contentOf(archive, entry)
      return { bytes: entry.header.size, content, [Symbol.dispose]: () => void archive.destroy() }
    }
  } catch (error) {
    archive.destroy()
    throw brokenOff(archive, error)
  }
  archive.destroy()
  return undefined
}

async function* contentOf(archive: Readable, entry: TarEntry): AsyncGenerator<Buffer> {
  try {
    yield* entry as AsyncIterable<Buffer>
  } catch (error) {
    throw brokenOff(archive, error)
  }
}

/** An abort is told by its reason (Node.js documentation, `stream.addAbortSignal`). */
function brokenOff({ errored: cause }: Readable, error: unknown): unknown {
  if (!cause) return error
  if (cause.name === 'AbortError') return cause.cause ?? cause
  return new PaasError('engine_unavailable', 'The connection to Docker broke while a file was read.', { cause })
}
