/** U+FFFF is no character: no program prints it by chance. */
const mark = Buffer.from('\uFFFF heroku-command-exit-status: ')
const firstByte = 0xef
/** The mark, a code of three digits at most, and a carriage return. */
const longest = mark.length + 4

type Part = { bytes: Buffer; alone: boolean }

/**
 * Finds the line `\uFFFF heroku-command-exit-status: N` in a process's output. `heroku run -x` has
 * the process print it and looks for it in each chunk by itself, so it must come whole and in one.
 */
export class ExitStatusLine {
  #held: Buffer = Buffer.alloc(0)
  #seen = false

  push(data: Buffer): Part[] {
    const bytes = Buffer.concat([this.#held, data])
    this.#held = Buffer.alloc(0)
    for (let begin = bytes.indexOf(firstByte); begin >= 0; begin = bytes.indexOf(firstByte, begin + 1)) {
      const line = bytes.subarray(begin)
      if (!beginsLikeMark(line)) continue
      const before = part(bytes.subarray(0, begin), false)
      const end = line.indexOf('\n') + 1
      this.#seen ||= end > 0
      if (end > 0) return [...before, ...part(line.subarray(0, end), true), ...this.push(line.subarray(end))]
      if (line.length > longest) continue
      this.#held = Buffer.from(line)
      return before
    }
    return part(bytes, false)
  }

  /**
   * What was held back, at the end of the output.
   * @param code the process's exit status, if its command is to print it: it did not if it ended on
   *   the way (`exit 3`, killed)
   */
  end(code?: number): Part[] {
    const bytes = this.#held
    this.#held = Buffer.alloc(0)
    const missing = code === undefined || this.#seen ? '' : `${mark.toString()}${code}\r\n`
    return [...part(bytes, true), ...part(Buffer.from(missing), true)]
  }
}

/** Whether a command prints the line in its end, which `heroku run -x` makes of any. */
export function printsExitStatus(command: string): boolean {
  return command.includes(mark.toString())
}

function part(bytes: Buffer, alone: boolean): Part[] {
  return bytes.length > 0 ? [{ bytes, alone }] : []
}

function beginsLikeMark(line: Buffer): boolean {
  const length = Math.min(line.length, mark.length)
  return line.subarray(0, length).equals(mark.subarray(0, length))
}
