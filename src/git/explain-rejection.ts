import { saysDiskFull } from './disk-complaint.ts'
import type { Explain } from './report-rewriter.ts'

/** What git says on the server in few words, and what the user can do about it. */
const reasons: Record<string, string> = {
  'shallow update not allowed': 'the clone is shallow; run git fetch --unshallow, then push again',
  'fail to run proc-receive hook': 'the server was interrupted; push again',
  'missing necessary objects': 'objects are missing from the push; run git fsck',
  'deny updating a hidden ref': 'this ref is reserved by the server',
}

/** Explains git's own reasons for not taking a push. `packBytes` is the limit of one push. */
export function explainRejection({ packBytes }: { packBytes: number }): Explain {
  return (reason, said) => {
    if (
      reason === 'unpacker error' ||
      saysDiskFull(reason) ||
      /^(index-pack|unpack-objects) abnormal exit$/.test(reason)
    ) {
      return explainPack(`${said}\n${reason}`, packBytes)
    }
    return reasons[reason]
  }
}

function explainPack(said: string, packBytes: number): string {
  if (/pack exceeds maximum allowed size/.test(said)) {
    return `the push has more than ${Math.floor(packBytes / 2 ** 20)} MiB, the limit; remove large files from its history`
  }
  if (/[Oo]ut of memory|mmap failed|unable to create thread/.test(said)) {
    return 'an object in the push needs more memory than the server allows; remove large files from its history'
  }
  if (saysDiskFull(said)) return 'the disk of the server is full or read-only; ask its operator'
  const [, object, problem] = /object ([0-9a-f]{7})[0-9a-f]*: ([^\n]+)/.exec(said) ?? []
  if (object && problem) return `broken object ${object}: ${problem}; run git fsck`
  return 'the pack is broken or incomplete; run git fsck, then push again'
}
