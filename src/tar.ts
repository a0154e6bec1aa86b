import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setImmediate } from 'node:timers/promises'
import { extract, pack, type Header, type Pack } from 'tar-stream'

export { extract, pack, type Header, type Pack } from 'tar-stream'

/**
 * Entries up to this many bytes are copied in one piece, which is several times faster than as
 * streams.
 */
const small = 64 * 1024

/** Milliseconds after which others have their turn: a chunk may hold a great many entries. */
const longestTurn = 20

/** What an entry of the result is given. */
export type NewHeader = Partial<Header> & Pick<Header, 'name'>

/** `through`: what a content that was not read passes through, as long as before. */
export type Rewritten = NewHeader & { through?: (content: AsyncIterable<Buffer>) => AsyncIterable<Buffer> }

/** An entry being read. */
export type TarEntry = ReturnType<typeof extract> extends AsyncIterable<infer Item> ? Item : never

/**
 * What an entry becomes, or undefined to leave it out. `read` gives its content; for small entries
 * only, since it is held in memory. `add` puts an entry without content in front of it.
 */
export type Rewrite = (
  header: Header,
  read: () => Promise<Buffer>,
  add: (header: NewHeader) => void,
) => Promise<Rewritten | undefined> | Rewritten | undefined

/**
 * A tar whose entries are those of `input` as `rewrite` changes them. Nothing is held but one
 * entry. An error of the input or of `rewrite` destroys the result with it; destroying the result
 * destroys the input.
 * @param complete called before the end, which it keeps from coming when it throws
 */
export function rewriteTar(input: Readable, rewrite: Rewrite, complete?: () => void): Readable {
  const output = pack()
  output.on('close', () => input.destroy())
  copyEntries(input, output, rewrite, complete).catch((error: Error) => output.destroy(error))
  return Readable.from(output, { objectMode: false })
}

async function copyEntries(input: Readable, output: Pack, rewrite: Rewrite, complete?: () => void): Promise<void> {
  await forEachEntry(input, async (entry) => {
    let content: Promise<Buffer> | undefined
    const read = () => (content ??= buffer(entry))
    const rewritten = await rewrite(entry.header, read, (extra) => addEmpty(output, extra))
    if (!rewritten) return
    const { through, ...header } = rewritten
    if (through) await pipeline(through(entry as AsyncIterable<Buffer>), output.entry(header))
    else if ((header.size ?? 0) <= small || content) await addEntry(output, header, await read())
    else await pipeline(entry, output.entry(header))
  })
  complete?.()
  output.finalize()
}

function addEmpty(output: Pack, header: NewHeader): void {
  if (header.type === 'file') output.entry(header, '')
  else output.entry(header)
}

/** Resolves when the reader has taken the entry. */
function addEntry(output: Pack, header: NewHeader, content: Buffer): Promise<void> {
  return new Promise((settle, fail) => {
    const added = (error?: Error | null) => (error ? fail(error) : settle())
    if (header.type === 'file') output.entry(header, content, added)
    else output.entry(header, added)
  })
}

/**
 * Calls `visit` for each entry in turn; what it leaves unread is skipped.
 * @throws the input's error, or tar-stream's
 */
export async function forEachEntry(input: Readable, visit: (entry: TarEntry) => Promise<void> | void): Promise<void> {
  const entries = extract()
  const read = pipeline(input, entries)
  read.catch(() => undefined)
  try {
    let since = performance.now()
    for await (const entry of entries) {
      await visit(entry)
      entry.resume()
      if (performance.now() - since < longestTurn) continue
      await setImmediate()
      since = performance.now()
    }
  } catch (error) {
    throw isCut(error) ? await endOf(read, error) : error
  }
  await read
}

/** streamx says so of an entry whose tar went away; the reading of the tar says why. */
function isCut(error: unknown): boolean {
  return error instanceof Error && error.message === 'Stream was destroyed'
}

function endOf(read: Promise<void>, error: unknown): Promise<unknown> {
  return read.then(
    () => error,
    (cause: unknown) => cause,
  )
}
