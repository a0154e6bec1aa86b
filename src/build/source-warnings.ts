import { describeLfsPointers } from './lfs-pointers.ts'
import { describeNearMiss, nearMisses } from './near-misses.ts'
import type { SourceFacts } from './source.ts'

const mostNamed = 5

/**
 * What a source most likely means otherwise than it will be taken: lines to show before it is
 * built.
 */
export function sourceWarnings({ root, windowsScripts, lfsPointers }: SourceFacts): string[] {
  return [
    ...nearMisses(root, 'read').map(describeNearMiss),
    ...windowsScripts.slice(0, mostNamed).map(describeWindowsLines),
    ...(lfsPointers.length > 0 ? [describeLfsPointers(lfsPointers)] : []),
  ]
}

function describeWindowsLines(path: string): string {
  return `${path} has Windows line endings (CRLF), so Linux cannot run it. Write "${pattern(path)} text eol=lf" into .gitattributes, run git add --renormalize . and commit.`
}

function pattern(path: string): string {
  const [, extension] = /[^/](\.\w+)$/.exec(path) ?? []
  return extension ? `*${extension}` : `/${path}`
}
