import { closeSync, openSync } from 'node:fs'
import { advertiseRefs, startService } from '../../src/git/git-service.ts'

/** Run with a low `ulimit -n`: takes all descriptors but as many as the argument says, and prints what becomes of git then. */
const taken: number[] = []
try {
  for (;;) taken.push(openSync('/dev/null', 'r'))
} catch {
  for (const descriptor of taken.splice(0, Number(process.argv[2]))) closeSync(descriptor)
}
for (const attempt of [startService('receive-pack', '/tmp'), advertiseRefs('receive-pack', '/tmp')]) {
  console.log(
    await attempt.then(
      () => 'started',
      ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
    ),
  )
}
