import { readFileSync } from 'node:fs'
import { SourceMap, type SourceMapPayload } from 'node:module'

/** As V8 writes it: `file:///srv/paas/dist/gate.js:10:3`. */
const position = /(file:\/\/[^\s():]+\.js):(\d+):(\d+)/g

/**
 * A stack whose positions in the bundle are replaced by those in the sources. Maps are read when an
 * error is told: with --enable-source-maps Node keeps them all, 41 MiB in a server.
 */
export function inSources(stack: string): string {
  const maps = new Map<string, SourceMap | undefined>()
  return stack.replaceAll(position, (here, file: string, line: string, column: string) => {
    if (!maps.has(file)) maps.set(file, readMap(file))
    const origin = maps.get(file)?.findOrigin(Number(line), Number(column))
    if (!origin || !('fileName' in origin)) return here
    return `${new URL(origin.fileName, file).href}:${origin.lineNumber}:${origin.columnNumber}`
  })
}

/** undefined: it is not of the bundle, or the map cannot be read, as without free descriptors. */
function readMap(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(new URL(`${file}.map`), 'utf8')) as SourceMapPayload)
  } catch {
    return undefined
  }
}
