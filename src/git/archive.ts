import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { startGit } from './git-command.ts'
import type { SourceLimits } from '../model/source.ts'
import { inspectTree } from './tree.ts'

/**
 * The commit's tree as a tar, streamed; nothing of it is written on the host. The stream fails if
 * git does.
 * @throws source_invalid before the first byte
 */
export async function archive(
  repository: string,
  commit: string,
  limits: SourceLimits,
  signal: AbortSignal,
): Promise<Readable> {
  await inspectTree(repository, commit, limits, signal)
  const reading = new AbortController()
  const git = startGit(repository, ['archive', '--format=tar', commit], AbortSignal.any([signal, reading.signal]))
  git.stdin.end()
  const tar = new PassThrough()
  tar.once('close', () => reading.abort(new Error('the reader of the archive left')))
  copy(git.stdout, git.done, tar)
  return tar
}

/**
 * The end is passed on only once git said that all went well: a tar cut short must not look like a
 * whole one.
 */
function copy(from: Readable, done: Promise<void>, to: PassThrough): void {
  pipeline(from, to, { end: false })
    .then(() => done)
    .then(
      () => to.end(),
      (cause: unknown) =>
        done.then(
          () => to.destroy(cause as Error),
          (reason: unknown) => to.destroy(reason as Error),
        ),
    )
}
