import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** One message of a pull, import or build: lines of JSON. */
export type Progress = { stream?: string; status?: string; error?: string; aux?: { ID?: string } }

export async function* readProgress(source: Readable): AsyncGenerator<Progress> {
  for await (const line of createInterface({ input: source })) {
    if (line !== '') yield JSON.parse(line) as Progress
  }
}
