import type { ChildProcess } from 'node:child_process'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { PassThrough, type Readable, type Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import { Service, serviceRespond, type HttpDuplex } from 'node-git-server'
import { explainMissingStreams } from '../child-streams.ts'
import { asExhaustion, PaasError } from '../errors.ts'
import { killGroup } from './git-command.ts'
import type { GitService } from './git-request.ts'
import { flush, packet } from './pkt-line.ts'

/** Milliseconds for git to remove its quarantine directory after its input was cut off. */
const grace = 5_000

/** A git service at work on one request. */
export type RunningService = {
  pid: number
  /** What the client sends. Never an error; call `abandon` to give up. */
  input: Writable
  /** What the client gets; must be read to its end. */
  output: Readable
  /** Resolves when git and its streams are closed. */
  closed: Promise<{ code: number | null; complaint: string }>
  /**
   * Ends git by the end of its input, which leaves no quarantine directory, and by SIGKILL to all
   * its processes `graceMs` later if that does not help. Of a git that ended by itself nothing is
   * left to end.
   */
  abandon(graceMs?: number): void
}

/**
 * Runs a service under node-git-server. It sees neither the client's request nor its response: a
 * request that fails in any way ends the process it is in, and its own look at the first chunk may
 * hang.
 */
export function startService(service: GitService, repository: string): Promise<RunningService> {
  const { promise, resolve, reject } = Promise.withResolvers<RunningService>()
  const input = Object.assign(new PassThrough(), { headers: {} })
  const output = new PassThrough()
  const action = new Service(
    { repo: repository, cwd: repository, service },
    input as unknown as IncomingMessage,
    output as unknown as ServerResponse,
  )
  action.on('error', (cause: unknown) => reject(notStarted(cause)))
  action.once('service', (child: ChildProcess) => {
    if (child.pid === undefined) withoutStreams(child)
    else resolve(watch(child, child.pid, input, output))
  })
  action.accept()
  return promise
}

/**
 * The refs there are, as the answer to `info/refs`. They are a few thousand at most: tags and the
 * branch that deploys.
 */
export async function advertiseRefs(service: GitService, repository: string): Promise<Buffer> {
  const output = new PassThrough()
  const errors = new PassThrough()
  errors.on('error', (cause) => output.destroy(cause))
  // A failed start is reported twice; by the second time nobody listens any more.
  output.on('error', () => undefined)
  try {
    serviceRespond(errors as unknown as HttpDuplex, service, repository, output as unknown as ServerResponse)
    const answer = await buffer(output)
    // node-git-server writes this before git begins; a git that fails adds nothing.
    const preamble = packet(`# service=git-${service}\n`).length + flush.length
    if (answer.length <= preamble) throw new Error('git advertised nothing')
    return answer
  } catch (cause) {
    throw notStarted(cause)
  }
}

function watch(child: ChildProcess, pid: number, input: Writable, output: Readable): RunningService {
  const { promise: closed, resolve } = Promise.withResolvers<{ code: number | null; complaint: string }>()
  let complaint = ''
  let over = false
  // Git may end before it read everything; what it has to say then is in its report.
  child.stdin?.on('error', () => undefined)
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-2000)))
  child.once('close', (code) => {
    over = true
    resolve({ code, complaint: complaint.trim() })
  })
  return { pid, input, output, closed, abandon }

  function abandon(graceMs = grace): void {
    if (over) return
    child.stdin?.destroy()
    const timer = setTimeout(() => killGroup(pid), graceMs)
    child.once('close', () => clearTimeout(timer))
  }
}

/** Calls back when the response is closed, also when it was before. */
export function onceClosed(res: ServerResponse, then: () => void): void {
  if (res.closed || res.destroyed) then()
  else res.once('close', then)
}

/**
 * Copies git's answer to the client as long as there is one, and reads it to the end in any case:
 * git must not wait for a reader that is gone, and one that takes nothing for `idleMs` counts as
 * gone. Returns whether anything was sent; the response is left open.
 */
export async function sendAnswer(answer: Readable, res: ServerResponse, idleMs: number): Promise<boolean> {
  let sent = false
  answer.once('data', () => (sent = true))
  answer.pipe(res, { end: false })
  onceClosed(res, () => {
    answer.unpipe(res)
    answer.resume()
  })
  let taken = 0
  const watch = setInterval(() => {
    if (res.writableNeedDrain && res.socket?.bytesWritten === taken) res.destroy()
    taken = res.socket?.bytesWritten ?? 0
  }, idleMs)
  try {
    await finished(answer, { writable: false })
    return sent
  } finally {
    clearInterval(watch)
  }
}

/** Without descriptors there are no pipes, and node-git-server uses them without asking. */
function withoutStreams(child: ChildProcess): void {
  child.stdin ??= new PassThrough()
  child.stdout ??= new PassThrough().end()
}

function notStarted(cause: unknown): PaasError {
  const explained = explainMissingStreams(cause)
  if (explained instanceof PaasError) return explained
  const [, code] = / (E[A-Z]+) running command/.exec((cause as Error).message) ?? []
  const exhaustion = asExhaustion({ code, syscall: 'spawn' })
  return (
    exhaustion ??
    new PaasError('internal', 'The server could not start git.', { cause, hint: 'Try again in a moment.' })
  )
}
