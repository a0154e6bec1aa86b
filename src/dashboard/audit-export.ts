import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { WebExchange } from './http/exchange.ts'
import { at, type Platform } from './platform.ts'

/** Entries in one answer of the API. */
const atOnce = 1000
const filters = ['account', 'action', 'client']

/**
 * The audit log as a file with a JSON object a line, as `paas audit --all --json` prints it: of the
 * server, or of an app. True for a path that is one of these.
 *
 * @throws ApiRefusal for who may not see it
 */
export async function exportAudit(platform: Platform, exchange: WebExchange, path: string): Promise<boolean> {
  const app = /^\/apps\/([a-z][a-z0-9-]*)\/activity\.jsonl$/.exec(path)?.[1]
  if (app === undefined && path !== '/activity.jsonl') return false
  const parts = partsOf(platform, app === undefined ? '/audit-entries' : at`/apps/${app}/audit-entries`, exchange)
  const first = await parts.next()
  exchange.response.writeHead(200, {
    ...exchange.head(),
    'Content-Type': 'application/jsonl; charset=utf-8',
    'Content-Disposition': `attachment; filename="${app ?? 'server'}-audit.jsonl"`,
    'Cache-Control': 'no-store',
  })
  if (exchange.request.method === 'HEAD') exchange.response.end()
  else await pipeline(Readable.from(joined(first.value, parts)), exchange.response).catch(() => undefined)
  return true
}

async function* joined(first: string | undefined, rest: AsyncGenerator<string, undefined>): AsyncGenerator<string> {
  if (first !== undefined) yield first
  yield* rest
}

type Entry = { sequence: number }

async function* partsOf(platform: Platform, path: string, { url }: WebExchange): AsyncGenerator<string, undefined> {
  const wanted = filters.flatMap((name) => {
    const value = url.searchParams.get(name)?.trim()
    return value ? [[name, value] as [string, string]] : []
  })
  for (let after = 0; ;) {
    const query = new URLSearchParams([...wanted, ['after', String(after)], ['limit', String(atOnce)]])
    const part = await platform.get<Entry[]>(`${path}?${query.toString()}`)
    if (part.length === 0) return undefined
    yield part.map((entry) => `${JSON.stringify(entry)}\n`).join('')
    if (part.length < atOnce) return undefined
    after = part.at(-1)!.sequence
  }
}
