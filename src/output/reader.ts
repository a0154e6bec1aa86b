import { OutputFollower, type Piece } from './follower.ts'
import { hasBegun, hasEnded, outputFiles, readFrom } from './files.ts'
import type { OutputId, OutputReader } from '../model/output.ts'
import type { RedisDeps } from '../redis.ts'

/**
 * Milliseconds after which a reader looks at the file though Redis said nothing: how late output is
 * while Redis is away.
 */
const lookAgainAfter = 500
/** A reader that is this many pieces behind gets them from the file instead of from memory. */
const mostPieces = 256

/**
 * Reads builds' output, live or kept. The file is what counts; pieces that come over Redis are used
 * as long as each begins where the one before ended, and any gap is filled from the file.
 */
export function createOutputReader(deps: RedisDeps & { directory: string }): OutputReader & AsyncDisposable {
  const follower = new OutputFollower(deps)
  return {
    read: (id, offset, signal) => read({ follower, directory: deps.directory }, id, offset, signal),
    hasBegun: (id) => hasBegun(outputFiles(deps.directory, id)),
    [Symbol.asyncDispose]: () => follower[Symbol.asyncDispose](),
  }
}

async function* read(
  { follower, directory }: { follower: OutputFollower; directory: string },
  id: OutputId,
  offset: number,
  signal: AbortSignal,
): AsyncGenerator<{ offset: number; bytes: Buffer }> {
  const files = outputFiles(directory, id)
  using feed = new Feed()
  let position = offset
  for (let lookAtFile = true; ;) {
    signal.throwIfAborted()
    if (lookAtFile) {
      // Checked before reading: everything that was written before the end is then in the file.
      const ended = hasEnded(files)
      if (!ended) feed.open(follower, id)
      for await (const bytes of readFrom(files.log, position)) {
        yield { offset: position, bytes }
        position += bytes.length
      }
      if (ended) return
    }
    const pieces = await feed.next(signal)
    lookAtFile = pieces.length === 0
    for (const piece of pieces) {
      const bytes = continuation(piece, position)
      if (bytes.length > 0) yield { offset: position, bytes }
      position += bytes.length
      lookAtFile ||= piece.end || piece.offset > position || piece.text === ''
    }
  }
}

/**
 * What of a piece comes right after `position`; nothing when it is known already or there is a gap
 * before it.
 */
function continuation({ offset, text }: Piece, position: number): Buffer {
  if (offset > position) return Buffer.alloc(0)
  return Buffer.from(text).subarray(position - offset)
}

/** The pieces that came over Redis and were not read yet. */
class Feed implements Disposable {
  #pieces: Piece[] = []
  #subscription: Disposable | undefined
  #wake: () => void = () => undefined

  open(follower: OutputFollower, id: OutputId): void {
    this.#subscription ??= follower.follow(id, (piece) => {
      if (this.#pieces.length >= mostPieces) this.#pieces = []
      this.#pieces.push(piece)
      this.#wake()
    })
  }

  /**
   * Resolves with what came, with nothing when it is time to look at the file, and when the signal
   * is aborted.
   */
  async next(signal: AbortSignal): Promise<Piece[]> {
    if (this.#pieces.length === 0 && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const settle = () => resolve()
      this.#wake = settle
      const timer = setTimeout(settle, lookAgainAfter)
      signal.addEventListener('abort', settle)
      await promise
      signal.removeEventListener('abort', settle)
      clearTimeout(timer)
    }
    return this.#pieces.splice(0)
  }

  [Symbol.dispose](): void {
    this.#subscription?.[Symbol.dispose]()
  }
}
