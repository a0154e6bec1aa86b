import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../log.ts'
import type { AppId } from '../model/ids.ts'
import type { AppLogWriter, LogLine } from '../model/app-log.ts'
import { Channel, type Backlog } from './channel.ts'
import { SegmentWriter } from './segment-writer.ts'
import { defaultSizes, type SegmentSizes } from './segments.ts'

/** An app's file is closed after one to two of these without a new line, milliseconds. */
const idleTime = 60_000

/** `isUsed`: since it was last looked at. */
type OpenLog = { channel: Channel; file: SegmentWriter; isUsed: boolean }

/**
 * @param directory `paths.logs`; one directory per app is made in it
 * @param sizes what is kept of each app: 4 segments of 2 MiB unless given
 */
export function openAppLogWriter(deps: { directory: string; log: Logger; sizes?: SegmentSizes }): AppLogWriter {
  return new Writer({ sizes: defaultSizes, ...deps })
}

class Writer implements AppLogWriter {
  readonly #deps: { directory: string; log: Logger; sizes: SegmentSizes }
  readonly #logs = new Map<AppId, OpenLog>()
  readonly #backlog: Backlog = { size: 0 }
  readonly #closer: NodeJS.Timeout

  constructor(deps: { directory: string; log: Logger; sizes: SegmentSizes }) {
    this.#deps = deps
    this.#closer = setInterval(() => this.#closeIdle(), idleTime).unref()
  }

  write(appId: AppId, line: LogLine): void {
    const open = this.#logs.get(appId) ?? this.#open(appId)
    open.isUsed = true
    open.channel.push(line)
  }

  async remove(appId: AppId): Promise<void> {
    await this.#close(appId)
    await rm(join(this.#deps.directory, appId), { recursive: true, force: true, maxRetries: 3 })
  }

  #open(appId: AppId): OpenLog {
    const file = new SegmentWriter(join(this.#deps.directory, appId), this.#deps.sizes)
    const log = this.#deps.log.child({ app: appId })
    const open = { channel: new Channel({ file, backlog: this.#backlog, log }), file, isUsed: true }
    this.#logs.set(appId, open)
    return open
  }

  #closeIdle(): void {
    for (const [appId, open] of this.#logs) {
      const { isUsed } = open
      open.isUsed = false
      if (isUsed || !open.channel.idle) continue
      this.#close(appId).catch((cause: unknown) =>
        this.#deps.log.warn({ err: cause, app: appId }, 'app log not closed'),
      )
    }
  }

  async #close(appId: AppId): Promise<void> {
    const open = this.#logs.get(appId)
    this.#logs.delete(appId)
    await open?.channel.flush()
    await open?.file[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#closer)
    await Promise.all([...this.#logs.keys()].map((appId) => this.#close(appId)))
  }
}
