import { text } from 'node:stream/consumers'
import { startGit } from './git-command.ts'

/** Name of a ref, and the id of what it points to. */
export type Refs = Record<string, string>

/** All refs of a repository, hidden ones too, at one moment each. */
export async function readRefs(repository: string, signal: AbortSignal): Promise<Refs> {
  const git = startGit(repository, ['for-each-ref', '--format=%(objectname) %(refname)'], signal)
  const [lines] = await Promise.all([text(git.stdout), git.done])
  const pairs = lines.split('\n').filter((line) => line !== '')
  return Object.fromEntries(pairs.map((line) => [line.slice(line.indexOf(' ') + 1), line.slice(0, line.indexOf(' '))]))
}

/**
 * Makes these the refs of a repository, all or none.
 * @throws internal when what one points to is missing
 */
export async function setRefs(repository: string, refs: Refs, signal: AbortSignal): Promise<void> {
  const present = Object.keys(await readRefs(repository, signal))
  const gone = present.filter((name) => !Object.hasOwn(refs, name)).map((name) => `delete ${name}\n`)
  const kept = Object.entries(refs).map(([name, id]) => `update ${name} ${id}\n`)
  const git = startGit(repository, ['update-ref', '--stdin'], signal)
  git.stdin.end([...gone, ...kept].join(''))
  git.stdout.resume()
  await git.done
}
