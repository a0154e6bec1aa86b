import { fork, type ChildProcess } from 'node:child_process'
import { withStreams } from '../../child-streams.ts'
import {
  AuthorityError,
  type Authority,
  type AuthorityFacts,
  type AuthorityProblem,
  type Challenge,
  type Issued,
  type CertificateOrder,
  type RenewalQuestion,
  type RenewalWindow,
} from './order.ts'

type Question = { order: CertificateOrder } | { renewal: RenewalQuestion } | { facts: Authority } | { presented: true }
type Answer =
  | { present: Challenge[] }
  | { issued: Issued }
  | { window: RenewalWindow | undefined }
  | { facts: AuthorityFacts }
  | { problem: AuthorityProblem }

/** Milliseconds that an order may take in all. */
const longest = 600_000

/**
 * Orders a certificate, in a process of its own: what that loads takes 40 MiB, and an authority
 * that answers nonsense harms nobody else there.
 * @param present shows what proves the names, until the order is done
 * @throws AuthorityError, what `present` throws, the signal's reason
 */
export async function orderCertificate(
  order: CertificateOrder,
  { present, signal }: { present: (challenges: Challenge[]) => Promise<void>; signal: AbortSignal },
): Promise<Issued> {
  const answer = await converse({ order }, { present, signal })
  if ('issued' in answer) return answer.issued
  throw new Error('the process that orders certificates answered something else')
}

/** @returns undefined where the authority has no wishes. @throws AuthorityError */
export async function askRenewal(renewal: RenewalQuestion, signal: AbortSignal): Promise<RenewalWindow | undefined> {
  const answer = await converse({ renewal }, { present: () => Promise.resolve(), signal })
  return 'window' in answer ? answer.window : undefined
}

/** @throws AuthorityError */
export async function askFacts(authority: Authority, signal: AbortSignal): Promise<AuthorityFacts> {
  const answer = await converse({ facts: authority }, { present: () => Promise.resolve(), signal })
  if ('facts' in answer) return answer.facts
  throw new Error('the process that orders certificates answered something else')
}

async function converse(
  question: Question,
  { present, signal }: { present: (challenges: Challenge[]) => Promise<void>; signal: AbortSignal },
): Promise<Answer> {
  signal.throwIfAborted()
  const child = withStreams(fork(import.meta.filename, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }))
  const limit = AbortSignal.any([signal, AbortSignal.timeout(longest)])
  const stop = (): void => void child.kill('SIGKILL')
  limit.addEventListener('abort', stop)
  try {
    return await lastAnswer(child, { question, present, limit })
  } finally {
    limit.removeEventListener('abort', stop)
    child.kill('SIGKILL')
  }
}

type Conversation = { question: Question; present: (challenges: Challenge[]) => Promise<void>; limit: AbortSignal }

function lastAnswer(child: ChildProcess, { question, present, limit }: Conversation): Promise<Answer> {
  return new Promise<Answer>((resolve, reject) => {
    child.on('message', (message) => {
      const answer = message as Answer
      if ('problem' in answer) return reject(new AuthorityError(answer.problem))
      if (!('present' in answer)) return resolve(answer)
      present(answer.present).then(() => say(child, { presented: true }), reject)
    })
    child.on('error', reject)
    child.on('exit', (code) =>
      reject(limit.aborted ? limit.reason : new Error(`ordering a certificate exited with ${code}`)),
    )
    say(child, question)
  })
}

/** One that has ended is noticed by its exit. */
function say(child: ChildProcess, message: Question): void {
  child.send(message, () => undefined)
}

async function serve(question: Question): Promise<void> {
  const answer = await carryOutIn(question).catch((cause: unknown): Answer => {
    if (cause instanceof AuthorityError) return { problem: cause.problem }
    const detail = cause instanceof Error ? cause.message : String(cause)
    return { problem: { type: 'wrong', detail: detail.slice(0, 500), retryAfter: undefined } }
  })
  process.send?.(answer, () => process.exit(0))
}

async function carryOutIn(question: Question): Promise<Answer> {
  const { carryOut, askForFacts, askForRenewal } = await import('./client.ts')
  if ('facts' in question) return { facts: await askForFacts(question.facts) }
  if ('renewal' in question) return { window: await askForRenewal(question.renewal) }
  if (!('order' in question)) throw new Error('nothing to order')
  const present = async (challenges: Challenge[]): Promise<void> => {
    const presented = new Promise<void>((resolve) => process.once('message', () => resolve()))
    process.send?.({ present: challenges } satisfies Answer)
    await presented
  }
  return { issued: await carryOut(question.order, present) }
}

if (import.meta.main) process.once('message', (question) => void serve(question as Question))
