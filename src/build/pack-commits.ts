import type { Sandbox } from '../engine/engine.ts'
import type { PackUrl } from './pack-url.ts'
import { fetchProgram } from './toolbox.ts'

/**
 * The commits that these packs are at now, or undefined where one has none that is known. The build
 * itself asks, since it alone reaches what builds may reach.
 */
export async function currentCommits(
  sandbox: Pick<Sandbox, 'exec'>,
  packs: readonly PackUrl[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string> | undefined> {
  let said = ''
  const command = { argv: [fetchProgram, '--commits', ...packs] }
  const { code } = await sandbox.exec(
    command,
    (chunk, stream) => {
      if (stream === 'stdout') said += chunk.toString()
    },
    signal,
  )
  const commits = said.split('\n').filter(isCommit)
  if (code !== 0 || commits.length !== packs.length) return undefined
  return new Map(packs.map((pack, index) => [pack, commits[index] ?? '']))
}

export function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text)
}
