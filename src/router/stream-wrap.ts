/** What Node's own streams write with. */
export type WriteRequest = { oncomplete?: (status: number) => void; pieces?: unknown }
export type ShutdownRequest = { oncomplete?: (status: number) => void }

type StreamWrap = {
  WriteWrap: new () => WriteRequest
  ShutdownWrap: new () => ShutdownRequest
  /** What the call that is under way tells beside its arguments. */
  streamBaseState: ArrayLike<number>
  kLastWriteWasAsync: number
  kReadBytesOrError: number
}

/** undefined where this Node does not have what is used here. */
export const streamWrap = open()

function open(): StreamWrap | undefined {
  try {
    const { binding } = process as unknown as { binding: (name: string) => StreamWrap }
    const found = binding.call(process, 'stream_wrap')
    const { streamBaseState: state, kLastWriteWasAsync, kReadBytesOrError } = found
    return state[kLastWriteWasAsync] === undefined || state[kReadBytesOrError] === undefined ? undefined : found
  } catch {
    return undefined // as documented of `process.binding`, which may go away: DEP0111
  }
}
