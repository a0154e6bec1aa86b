import type { Build } from '../model/build.ts'
import type { RefVerdict } from './proc-receive-protocol.ts'

/** Characters of a reason; git shows it on one line. */
const longestReason = 300

/** What a finished build means for the ref that was pushed. */
export function verdictOf({ state }: Build): RefVerdict {
  switch (state.kind) {
    case 'succeeded':
      return { kind: 'ok' }
    case 'failed':
      return refused(withCode(state.code.replaceAll('_', ' '), state.reason))
    case 'cancelled':
      return refused('build cancelled')
    case 'superseded':
      return refused(`superseded by ${state.by.slice(0, 7)}`)
    case 'pending':
    case 'running':
      throw new Error(`a build that is ${state.kind} has no verdict`)
  }
}

/**
 * One line without control characters, which would end the packet's meaning or act on a terminal.
 */
export function refused(reason: string): RefVerdict {
  const line = reason.replace(/[\p{Cc}\s]+/gu, ' ').trim()
  return { kind: 'refused', reason: line.length > longestReason ? `${line.slice(0, longestReason)}…` : line }
}

function withCode(code: string, reason: string): string {
  return reason.toLowerCase().startsWith(code) ? reason : `${code}: ${reason}`
}
