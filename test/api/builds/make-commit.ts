import { execFileSync } from 'node:child_process'

/** Puts an empty commit into a bare repository; gives its 40 hex digits. */
export function makeCommit(repository: string): string {
  const git = (...argv: string[]): string =>
    execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@example.com', ...argv], {
      cwd: repository,
      input: '',
      encoding: 'utf8',
    }).trim()
  return git('commit-tree', '-m', 'First version', git('mktree'))
}
