import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { asPaasError, PaasError } from '../errors.ts'
import { explainRestic, targetRefusal } from './explain-restic.ts'
import { RcloneLog, telling } from './rclone-log.ts'
import { watchProgress } from './stall.ts'

/** What rclone gets of the environment: where it finds itself, keys of the store, the way there. */
const passedOn = /^(PATH|HOME|TMPDIR|AWS_.*|SSL_CERT_FILE|SSL_CERT_DIR|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY)$/
/** What it tries again by itself, for a moment: whatever failed is stored in the next round. */
const trying = ['--contimeout=15s', '--timeout=30s', '--retries=1', '--low-level-retries=2']
/** Milliseconds for which nothing may go on. */
const stillFor = 60_000

/** Its exit code for a directory that is not there (rclone's manual, "Exit code"). */
const noDirectory = 3

/** Files at a backup target, a directory or a place in an S3-compatible store, through rclone. */
export class Rclone {
  readonly repository: string
  readonly #root: string
  readonly #settings: Record<string, string>
  readonly #patience: number

  /**
   * @param repository as restic names it
   * @param patience milliseconds for which nothing may go on
   */
  constructor({ repository, patience = stillFor }: { repository: string; patience?: number }) {
    this.repository = repository
    this.#patience = patience
    const { root, settings } = placeOf(repository)
    this.#root = root
    this.#settings = settings
  }

  /**
   * Stores what is in a directory, and reads all of it back from the target to compare it.
   * @throws backup_target_refused, backup_damaged
   */
  async store(directory: string, place: string, signal: AbortSignal): Promise<void> {
    await this.#call(
      ['copy', directory, this.#at(place), '--no-traverse', '--ignore-times', '--s3-no-check-bucket'],
      signal,
    )
    await this.#call(['check', directory, this.#at(place), '--one-way', '--download'], signal).catch(
      (cause: unknown) => {
        const { code, message } = asPaasError(cause)
        if (code !== 'backup_failed' || !/differ|not in|match/i.test(message)) throw cause
        throw new PaasError('backup_damaged', `What is stored at ${this.repository} is not what was sent there.`, {
          cause,
        })
      },
    )
  }

  /** Brings all that is in a place into a directory. */
  async fetch(place: string, directory: string, signal: AbortSignal): Promise<void> {
    await this.#call(['copy', this.#at(place), directory], signal)
  }

  /** Names of what is in a place, directories with a slash; none where there is no such place. */
  async list(place: string, signal: AbortSignal): Promise<string[]> {
    const output = await this.#call(['lsf', this.#at(place)], signal, [noDirectory])
    return output.split('\n').filter((name) => name !== '')
  }

  /** One that is gone is fine. */
  async remove(place: string, signal: AbortSignal): Promise<void> {
    await this.#call(['deletefile', this.#at(place)], signal).catch((cause: unknown) => {
      if (!/doesn't exist|not found/.test((cause as Error).message)) throw cause
    })
  }

  #at(place: string): string {
    return `${this.#root}/${place}`
  }

  async #call([verb = '', ...argv]: string[], signal: AbortSignal, fine: number[] = []): Promise<string> {
    const child = spawn('rclone', [verb, ...trying, ...telling, `--stats=${this.#patience / 8}ms`, ...argv], {
      env: { ...environment(), ...this.#settings, RCLONE_CONFIG: '/dev/null' },
      signal,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
    const log = new RcloneLog()
    let isStuck = false
    using _watch = watchProgress(
      () => log.done,
      this.#patience,
      () => (isStuck = child.kill('SIGKILL')),
    )
    const [output, said, code] = await Promise.allSettled([
      text(child.stdout),
      log.read(child.stderr as Readable),
      ended,
    ])
    signal.throwIfAborted()
    if (isStuck) throw targetRefusal(this.repository, `nothing went on for ${Math.round(this.#patience / 1000)} s`)
    if (code.status === 'rejected') throw missing(code.reason)
    if (code.value === 0 || fine.includes(code.value ?? -1)) return output.status === 'fulfilled' ? output.value : ''
    throw explainRestic(said.status === 'fulfilled' ? said.value : '', this.repository)
  }
}

/** rclone's own way to AWS does not take a bundle of authorities (`AWS_CA_BUNDLE`); it does. */
function environment(): NodeJS.ProcessEnv {
  const { AWS_CA_BUNDLE: authorities, ...others } = process.env
  const passed = Object.entries(others).filter(([name]) => passedOn.test(name))
  return { ...Object.fromEntries(passed), ...(authorities && { RCLONE_CA_CERT: authorities }) }
}

/** `s3:https://host/bucket/path` is how restic names it. */
function placeOf(repository: string): { root: string; settings: Record<string, string> } {
  if (!repository.startsWith('s3:')) return { root: repository, settings: {} }
  const address = repository.slice('s3:'.length)
  const { origin, pathname } = new URL(/^https?:/.test(address) ? address : `https://${address}`)
  return {
    root: `target:${pathname.replace(/^\/|\/$/g, '')}`,
    settings: {
      RCLONE_CONFIG_TARGET_TYPE: 's3',
      RCLONE_CONFIG_TARGET_PROVIDER: 'Other',
      RCLONE_CONFIG_TARGET_ENV_AUTH: 'true',
      RCLONE_CONFIG_TARGET_ENDPOINT: origin,
    },
  }
}

function missing(cause: unknown): PaasError {
  if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') {
    return new PaasError('backup_failed', `rclone could not be started: ${(cause as Error).message}`, { cause })
  }
  const hint = 'Run bin/setup with PAAS_BACKUP_TARGET set, or: apt-get install rclone'
  return new PaasError('backup_failed', 'The program rclone is not installed.', { hint })
}
