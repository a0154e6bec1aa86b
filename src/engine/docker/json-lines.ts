import type { Readable } from 'node:stream'

/** The values of a stream of JSON, one a line, as the engine reports events and progress. */
export async function* readJsonLines<T>(source: Readable): AsyncGenerator<T> {
  const decoder = new TextDecoder()
  let pending = ''
  for await (const chunk of source as AsyncIterable<Buffer>) {
    const lines = (pending + decoder.decode(chunk, { stream: true })).split('\n')
    pending = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as T
  }
  if (pending.trim() !== '') yield JSON.parse(pending) as T
}

/** One message of an import or a build. */
export type Progress = { stream?: string; status?: string; error?: string; aux?: { ID?: string } }
