import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'

/** Looks within the time after which a transfer counts as stuck. */
const looks = 10

/**
 * Calls `onStall` when a program that sends to a target, or reads from it, got nowhere for so long
 * and it is not the other end that is slow. A target that hangs says nothing by itself.
 */
export function watchTransfer(child: ChildProcess, milliseconds: number, onStall: () => void): Disposable {
  const [input, output] = [child.stdin as Socket | null, child.stdout as Socket | null]
  // restic goes on telling how far it is while nothing goes on.
  const done = (): number => input?.bytesWritten ?? output?.bytesRead ?? 0
  const waits = (): boolean =>
    input ? input.destroyed || input.writableEnded || input.writableLength > 0 : output?.readableLength === 0
  return watchProgress(done, milliseconds, onStall, waits)
}

/** Calls `onStall` when what was done was the same for so long, and it is waited for. */
export function watchProgress(
  done: () => number | string,
  milliseconds: number,
  onStall: () => void,
  waits: () => boolean = () => true,
): Disposable {
  let [last, still] = [done(), 0]
  const timer = setInterval(() => {
    const now = done()
    still = now === last && waits() ? still + 1 : 0
    last = now
    if (still >= looks) onStall()
  }, milliseconds / looks)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
