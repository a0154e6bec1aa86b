import { watch, type FSWatcher } from 'node:fs'

/**
 * How often to look without being told: watches may be used up (ENOSPC) or lose events.
 * Milliseconds.
 */
const lookInterval = 1000

/** Wakes a reader when something in a directory may have changed. */
export class DirectoryWatch implements Disposable {
  readonly #watcher: FSWatcher | undefined
  readonly #timer: NodeJS.Timeout
  readonly #signal: AbortSignal
  #changed = false
  #wake: () => void = () => undefined

  constructor(directory: string, signal: AbortSignal) {
    this.#signal = signal
    this.#watcher = tryWatch(directory, this.#notice)
    this.#timer = setInterval(this.#notice, this.#watcher ? lookInterval : lookInterval / 4)
    signal.addEventListener('abort', this.#notice)
  }

  /** Resolves at the next change since it last resolved, or when the signal is aborted. */
  async changed(): Promise<void> {
    if (!this.#changed && !this.#signal.aborted) await new Promise<void>((resolve) => (this.#wake = resolve))
    this.#changed = false
  }

  readonly #notice = (): void => {
    this.#changed = true
    this.#wake()
  };

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#watcher?.close()
    this.#signal.removeEventListener('abort', this.#notice)
    this.#notice()
  }
}

/** Undefined where the system has no watch to give; the timer does its work then. */
function tryWatch(directory: string, listener: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, { persistent: false }, listener)
    watcher.on('error', listener)
    return watcher
  } catch {
    return undefined
  }
}
