import type { IncomingMessage } from 'node:http'
import type { Client } from './client.ts'
import { persist, sayLost } from './persist.ts'

/**
 * What a build or a release command prints, to its end, however often the server is away meanwhile.
 * @param url its `output_stream_url`
 */
export async function* followOutput(api: Client, url: string): AsyncGenerator<Buffer> {
  const open = (): Promise<IncomingMessage> => api.stream(url, { accept: 'text/plain' })
  let seen = 0
  for (let output = await open(); ; output = await persist(api, open, { told: true })) {
    let position = 0
    for await (const chunk of untilCut(output)) {
      const rest = chunk.subarray(Math.max(0, seen - position))
      position += chunk.length
      seen = Math.max(seen, position)
      if (rest.length > 0) yield rest
    }
    // An answer that ended properly was complete.
    if (output.complete) return
    sayLost(api.server.url)
  }
}

async function* untilCut(output: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of output) yield chunk as Buffer
  } catch (cause) {
    if (output.complete) throw cause
  }
}
