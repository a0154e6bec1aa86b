import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { BackupTarget } from '../model/backup-target.ts'
import { isCode, PaasError } from '../errors.ts'
import { lockFile } from '../lock.ts'
import { watchTransfer } from './stall.ts'
import { explainRestic, lostTarget, missingProgram, targetRefusal } from './explain-restic.ts'

/** What restic gets of the environment: where it finds itself, keys of the store, the way there. */
const passedOn = /^(PATH|HOME|TMPDIR|AWS_.*|SSL_CERT_FILE|SSL_CERT_DIR|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY)$/

/** Its exit code when a file could not be read (restic's manual, "Scripting"). */
const someUnread = 3

/** What only looks needs no lock, which it would not get while something is removed. */
const unlocked = '--no-lock'

/** Milliseconds within which a target has to say whether there are backups. */
const answerWithin = 60_000

/** Milliseconds for which a transfer may stand still. */
const stillFor = 300_000

/** A snapshot of the target (restic's manual, "Scripting", snapshots). */
export type Snapshot = { id: string; time: string; hostname: string; tags?: string[] }

/** What was new of a snapshot, in bytes. */
export type Stored = { snapshot: string; bytes: number; addedBytes: number }

export type ResticDeps = Pick<BackupTarget, 'repository'> & {
  /** One of the two. */
  passphraseFile?: string
  passphrase?: string
  /** Milliseconds after which a target that says nothing is given up; the usual ones if absent. */
  patience?: { answer: number; transfer: number }
  /** Of its index of the target, which can be made again. */
  cacheDirectory: string
  /**
   * Processes of this server agree on it who may remove something; undefined: there are no others.
   * Beside it stands which targets have had backups.
   */
  lock?: string
}

/** Files went or changed their owner while they were read, so that the snapshot lacks some. */
export class IncompleteError extends PaasError {
  constructor() {
    super('backup_failed', 'Some files of the data directory could not be read.')
  }
}

type Call<T> = {
  signal: AbortSignal
  cwd?: string
  input?: Readable
  read?: (output: Readable) => Promise<T>
}

/**
 * The backups at a target, through restic: encrypted with a key that only the passphrase opens, and
 * each block stored once. A call ends restic when the signal does.
 */
export class Restic {
  readonly #deps: ResticDeps

  constructor(deps: ResticDeps) {
    this.#deps = deps
  }

  /**
   * Makes sure that the target can be used. One that had backups is not begun anew: a disk that is
   * not mounted looks like that.
   * @returns whether there was a place for backups already; one is made with `make`
   * @throws backup_target_refused
   */
  async open({ make, signal }: { make: boolean; signal: AbortSignal }): Promise<boolean> {
    const patience = this.#deps.patience?.answer ?? answerWithin
    const soon = AbortSignal.any([signal, AbortSignal.timeout(patience)])
    try {
      if (await this.#exists(soon)) return true
      if (!make) return false
      using _alone = await this.hold({ alone: true }, soon)
      if (await this.#exists(soon)) return true
      if (this.#noted && existsSync(this.#noted)) throw lostTarget(this.#deps.repository, this.#noted)
      await this.#call(['init'], { signal: soon })
      this.#note()
      return false
    } catch (cause) {
      if (signal.aborted || !soon.aborted) throw cause
      throw targetRefusal(this.#deps.repository, `it gave no answer within ${patience / 1000} s`)
    }
  }

  /** Snapshots with this tag, the oldest first. */
  async snapshots(tag: string, signal: AbortSignal): Promise<Snapshot[]> {
    const found = JSON.parse(
      await this.#call(['snapshots', unlocked, '--json', '--tag', tag], { signal, read: text }),
    ) as Snapshot[] | null
    return (found ?? []).toSorted((one, other) => one.time.localeCompare(other.time))
  }

  /** Stores directories below `cwd`. @throws backup_failed also where a file could not be read */
  async storeFiles(
    paths: string[],
    { cwd, ...names }: { cwd: string; tag: string; host: string },
    signal: AbortSignal,
  ): Promise<Stored> {
    return stored(await this.#call([...storing(names), ...paths], { signal, cwd, read: text }))
  }

  /** Stores a stream as a file. */
  async storeStream(
    input: Readable,
    { file, ...names }: { file: string; tag: string; host: string },
    signal: AbortSignal,
  ): Promise<Stored> {
    const argv = [...storing(names), '--stdin', '--stdin-filename', file]
    return stored(await this.#call(argv, { signal, input, read: text }))
  }

  /** What is in a file, or in a directory as a tar. Each block is compared with its checksum. */
  async read<T>(
    snapshot: string,
    path: string,
    { use, signal }: { use: (content: Readable) => Promise<T>; signal: AbortSignal },
  ): Promise<T> {
    return this.#call(['dump', snapshot, path], { signal, read: use })
  }

  /** Writes a snapshot's files below a directory. */
  async writeTo(directory: string, snapshot: string, signal: AbortSignal): Promise<void> {
    await this.#call(['restore', snapshot, '--target', directory], { signal })
  }

  /**
   * Keeps others of this server from removing anything until disposal, since restic refuses to
   * store meanwhile; `alone`: from storing and reading.
   */
  async hold({ alone }: { alone: boolean }, signal: AbortSignal): Promise<Disposable> {
    const { lock } = this.#deps
    if (lock === undefined) return new DisposableStack()
    mkdirSync(dirname(lock), { recursive: true, mode: 0o700 })
    const held = await lockFile(lock, { wait: signal, shared: !alone })
    signal.throwIfAborted()
    return held ?? new DisposableStack()
  }

  /** Removes snapshots that are older, but for the last of each tag, and what only they had. */
  async forget(
    { host, tag, keepDays }: { host: string; tag?: string; keepDays: number },
    signal: AbortSignal,
  ): Promise<void> {
    const keep = ['--keep-last', '1', '--keep-within', `${keepDays}d`, '--group-by', 'host,tags']
    const which = tag === undefined ? [] : ['--tag', tag]
    using _alone = await this.hold({ alone: true }, signal)
    await this.#call(['forget', '--host', host, ...which, ...keep, '--prune'], { signal })
  }

  /** Removes these snapshots, and what only they had. */
  async remove(snapshots: string[], signal: AbortSignal): Promise<void> {
    await this.#call(['forget', '--prune', ...snapshots], { signal })
  }

  /** Takes away what a process that was killed has left locked. */
  async unlock(signal: AbortSignal): Promise<void> {
    await this.#call(['unlock'], { signal })
  }

  /** The file that says that there have been backups at the target. */
  get #noted(): string | undefined {
    const { lock, repository } = this.#deps
    const name = createHash('sha256').update(repository).digest('hex').slice(0, 16)
    return lock && join(dirname(lock), `had-backups-${name}`)
  }

  #note(): void {
    if (!this.#noted || existsSync(this.#noted)) return
    mkdirSync(dirname(this.#noted), { recursive: true, mode: 0o700 })
    writeFileSync(this.#noted, '', { mode: 0o600 })
  }

  async #exists(signal: AbortSignal): Promise<boolean> {
    const { repository } = this.#deps
    if (repository.startsWith('/') && !existsSync(`${repository}/config`)) return false
    try {
      await this.#call(['cat', 'config', unlocked], { signal })
      this.#note()
      return true
    } catch (cause) {
      if (cause instanceof PaasError && cause.code === 'backup_missing') return false
      throw cause
    }
  }

  async #call<T = string>(argv: string[], { signal, cwd, input, read }: Call<T>): Promise<T> {
    const { repository } = this.#deps
    const child = spawn('restic', argv, {
      cwd,
      env: this.#environment(),
      stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      signal,
    })
    const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
    ended.catch(() => undefined)
    // It would take the end of a source that broke off for the end of the content.
    const fed = input && child.stdin ? pipeline(input, child.stdin) : undefined
    fed?.catch((cause: unknown) => isCode(cause, 'EPIPE') || child.kill('SIGKILL'))
    const limit = this.#deps.patience?.transfer ?? stillFor
    let stalled = false
    using _watch = input || read ? watchTransfer(child, limit, () => (stalled = child.kill('SIGKILL'))) : undefined
    const [said, output, code, sent] = await Promise.allSettled([
      text(child.stderr as Readable),
      (read ?? (text as (from: Readable) => Promise<unknown>))(child.stdout as Readable) as Promise<T>,
      ended,
      fed,
    ])
    signal.throwIfAborted()
    if (stalled) throw targetRefusal(repository, `nothing went on for ${Math.round(limit / 1000)} s`)
    if (code.status === 'rejected') throw missingProgram(code.reason)
    if (code.value === someUnread) throw new IncompleteError()
    // A source that broke off says more than a program that was ended for it.
    if (code.value === null && sent.status === 'rejected') throw sent.reason
    if (code.value !== 0) throw explainRestic(said.status === 'fulfilled' ? said.value : '', repository)
    if (sent.status === 'rejected') throw sent.reason
    if (output.status === 'rejected') throw output.reason
    return output.value
  }

  #environment(): NodeJS.ProcessEnv {
    const { repository, passphraseFile, passphrase, cacheDirectory } = this.#deps
    const passed = Object.entries(process.env).filter(([name]) => passedOn.test(name))
    return {
      ...Object.fromEntries(passed),
      RESTIC_REPOSITORY: repository,
      ...(passphrase === undefined ? { RESTIC_PASSWORD_FILE: passphraseFile } : { RESTIC_PASSWORD: passphrase }),
      RESTIC_CACHE_DIR: cacheDirectory,
    }
  }
}

function storing({ tag, host }: { tag: string; host: string }): string[] {
  return ['backup', '--json', '--tag', tag, '--host', host]
}

/** Its last line sums up (restic's manual, "Scripting", backup). */
function stored(output: string): Stored {
  const last = JSON.parse(output.trim().split('\n').at(-1) ?? '{}') as Partial<Summary>
  if (last.message_type !== 'summary' || last.snapshot_id === undefined) {
    throw new PaasError('backup_failed', 'restic ended without saying what it stored.')
  }
  const { snapshot_id: snapshot, total_bytes_processed: bytes = 0, data_added: addedBytes = 0 } = last
  return { snapshot, bytes, addedBytes }
}

type Summary = { message_type: string; snapshot_id: string; total_bytes_processed: number; data_added: number }
