import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { surviveFailedStarts } from '../../src/child-streams.ts'
import { createRepositories } from '../../src/git/bare-repositories.ts'
import { startGit } from '../../src/git/git-command.ts'
import { advertiseRefs, startService } from '../../src/git/git-service.ts'
import type { AppId } from '../../src/model/ids.ts'

/** Run with a low `ulimit -n`: takes all descriptors but as many as the argument says, and prints what becomes of git then. */
surviveFailedStarts()
const directory = mkdtempSync(join(tmpdir(), 'paas-few-'))
const limits = { sourceBytes: 1e6, sourceFiles: 1e3, packBytes: 1e6, repositoryBytes: 2 ** 30 }
const repositories = createRepositories({ directory, limits })
const taken: number[] = []
try {
  for (;;) taken.push(openSync('/dev/null', 'r'))
} catch {
  for (const descriptor of taken.splice(0, Number(process.argv[2]))) closeSync(descriptor)
}
const attempts = [
  () => startService('receive-pack', '/tmp'),
  () => advertiseRefs('receive-pack', '/tmp'),
  async () => startGit('/tmp', ['gc'], new AbortController().signal),
  () => repositories.ensure('0f0f0f0f-0000-4000-8000-000000000000' as AppId),
]
for (const attempt of attempts) {
  console.log(
    await attempt().then(
      () => 'started',
      ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
    ),
  )
}
for (const descriptor of taken) closeSync(descriptor)
rmSync(directory, { recursive: true })
