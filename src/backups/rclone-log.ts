import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** What rclone is told so that it says how far it is (its manual, `--use-json-log`, `--stats`). */
export const telling = ['--use-json-log', '--log-level=ERROR', '--stats-log-level=ERROR']

type Line = { msg?: string; stats?: { bytes: number; checks: number; transfers: number; deletes: number } }

/** What rclone says while it works: its errors, and how much it has done. */
export class RcloneLog {
  readonly #errors: string[] = []
  #done = ''

  /** Errors that are kept: it says one of each file. */
  static readonly most = 100

  /** Resolves with its errors once it has ended. */
  async read(from: Readable): Promise<string> {
    for await (const line of createInterface({ input: from, crlfDelay: Infinity })) this.#hear(line)
    return this.#errors.join('\n')
  }

  /** Is another after it got any further. */
  get done(): string {
    return this.#done
  }

  /** What it says of itself, before its options are read or at the end, is no JSON. */
  #hear(line: string): void {
    const { msg, stats } = line.startsWith('{') ? (JSON.parse(line) as Line) : { msg: withoutTime(line) }
    if (stats) this.#done = [stats.bytes, stats.checks, stats.transfers, stats.deletes].join(' ')
    else if (msg !== undefined && this.#errors.length < RcloneLog.most) this.#errors.push(msg)
  }
}

/** `2026/11/26 14:03:07 Failed to copy: reason` */
function withoutTime(line: string): string {
  return line.replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d ((ERROR|CRITICAL|Failed to \w+) *: *)?/, '')
}
