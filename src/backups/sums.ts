import { createHash } from 'node:crypto'
import { relative } from 'node:path'
import type { Readable } from 'node:stream'
import { extract } from '../tar.ts'

/** SHA-256, in hexadecimal digits. */
export async function digestOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of content) hash.update(chunk)
  return hash.digest('hex')
}

/** The SHA-256 of each file of a tar below `directory`, by its name from there. All is read. */
export async function digestsIn(tar: Readable, directory: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  const entries = extract()
  tar.on('error', (error) => entries.destroy(error)).pipe(entries)
  for await (const entry of entries) {
    const name = relative(directory, entry.header.name.replace(/^\/+/, ''))
    const digest = await digestOf(entry as AsyncIterable<Uint8Array>)
    if (!name.startsWith('..')) found[name] = digest
  }
  return found
}
