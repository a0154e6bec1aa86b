/** U+FFFF is no character: no program prints it by chance. */
const mark = Buffer.from('\uFFFF heroku-command-exit-status: ')
/** The mark, and a code of three digits at most. */
const longest = mark.length + 3

type Part = { bytes: Buffer; alone: boolean }

/**
 * Finds the line `\uFFFF heroku-command-exit-status: N` in a process's output. `heroku run -x` has the process print it and looks for it in each
 * chunk by itself, so it must come whole and in one.
 */
export class ExitStatusLine {
  #held: Buffer = Buffer.alloc(0)

  push(data: Buffer): Part[] {
    const bytes = Buffer.concat([this.#held, data])
    const begin = bytes.indexOf(mark.subarray(0, 3))
    this.#held = Buffer.alloc(0)
    if (begin < 0) return part(bytes, false)
    const line = bytes.subarray(begin)
    const end = line.indexOf('\n') + 1
    if (end > 0)
      return [
        ...part(bytes.subarray(0, begin), false),
        ...part(line.subarray(0, end), true),
        ...this.push(line.subarray(end)),
      ]
    if (!mayBecomeOne(line)) return part(bytes, false)
    this.#held = Buffer.from(line)
    return part(bytes.subarray(0, begin), false)
  }

  /** What was held back, at the end of the output. */
  end(): Part[] {
    const bytes = this.#held
    this.#held = Buffer.alloc(0)
    return part(bytes, true)
  }
}

function part(bytes: Buffer, alone: boolean): Part[] {
  return bytes.length > 0 ? [{ bytes, alone }] : []
}

function mayBecomeOne(line: Buffer): boolean {
  const length = Math.min(line.length, mark.length)
  return line.length <= longest && line.subarray(0, length).equals(mark.subarray(0, length))
}
