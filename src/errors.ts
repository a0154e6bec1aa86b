import { catalogue as entries, type Entry } from './errors-catalogue.ts'

export type ErrorCode = keyof typeof entries
const catalogue: Record<ErrorCode, Entry> = entries

/**
 * The one error class. `message` says what, which and the limit; `hint` says what to do next.
 * `code` is a heading of docs/errors.md; `status` is the HTTP status the API answers with.
 */
export class PaasError extends Error {
  override readonly name = 'PaasError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  /** Seconds in which the same may succeed. */
  readonly retryAfter: number | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string | undefined; cause?: unknown; retryAfter?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint ?? catalogue[code].hint
    this.retryAfter = options.retryAfter
  }

  get status(): number {
    return catalogue[this.code].status
  }

  /** Whose failure it is: the user's is shown and never retried, the server's is retried. */
  get fault(): 'user' | 'server' {
    return catalogue[this.code].fault
  }
}

/**
 * Any thrown value as a PaasError; what is neither one nor a lack of the machine's becomes
 * `internal`, with the original as its cause.
 */
export function asPaasError(thrown: unknown): PaasError {
  if (thrown instanceof PaasError) return thrown
  // The one that came first: what could not be tidied away then failed for the same reason.
  if (thrown instanceof SuppressedError) return asPaasError(thrown.suppressed)
  const lack = asDiskError(thrown) ?? asExhaustion(thrown)
  return lack ?? new PaasError('internal', 'Something went wrong inside the server.', { cause: thrown })
}

/**
 * What a file system says that takes nothing: it has no bytes or no inodes left, a quota is used
 * up, it is mounted read-only.
 */
export function asDiskError(thrown: unknown, disk = 'The disk'): PaasError | undefined {
  const { code = '' } = (thrown ?? {}) as NodeJS.ErrnoException
  if (code === 'ENOSPC') return new PaasError('disk_full', `${disk} is full.`, { cause: thrown })
  if (code === 'EDQUOT') return new PaasError('disk_full', `The quota of ${disk} is used up.`, { cause: thrown })
  if (code !== 'EROFS') return undefined
  const hint = 'Mount it read-write again.'
  return new PaasError('data_directory_unusable', `${disk} is mounted read-only.`, { hint, cause: thrown })
}

/**
 * What the kernel says that has no file descriptor, memory or process to give: it will, once
 * something else has ended.
 */
export function asExhaustion(thrown: unknown): PaasError | undefined {
  const { code = '', syscall = '' } = (thrown ?? {}) as NodeJS.ErrnoException
  // EAGAIN of anything but a new process only means that there is nothing to read yet.
  const lack = code === 'EAGAIN' && !syscall.startsWith('spawn') ? undefined : lacks[code]
  if (lack === undefined) return undefined
  return new PaasError('server_exhausted', `The server has no ${lack} left.`, { cause: thrown })
}

/** errno(3) */
const lacks: Record<string, string> = {
  EMFILE: 'file descriptors',
  ENFILE: 'file descriptors',
  ENOMEM: 'memory',
  EAGAIN: 'processes',
}

const passing: ErrorCode[] = [
  'engine_unavailable',
  'router_unavailable',
  'disk_full',
  'data_directory_unusable',
  'server_exhausted',
]

/**
 * Whether the same work may well succeed a little later, because a part that is away comes back.
 */
export function isPassing({ code }: PaasError): boolean {
  return passing.includes(code)
}

/**
 * Whether it says nothing of a backup that was to be tried: the engine, the disk or the backup
 * target was not there for it.
 */
export function isBeside(error: PaasError): boolean {
  return isPassing(error) || error.code === 'backup_target_refused'
}

/** Whether it is an error of the system with one of these codes, such as ENOENT. */
export function isCode(thrown: unknown, ...codes: string[]): boolean {
  return thrown instanceof Error && codes.includes((thrown as NodeJS.ErrnoException).code ?? '')
}
