/**
 * Shows what set-up does: a line per step, and what continues inside a step in one line that is
 * written over.
 */
export interface SetupProgress {
  step(text: string): void
  detail(line: string): void
  /** Ends the line that is written over. */
  done(): void
}

/** How often a log, which cannot be written over, gets a detail. */
const logEveryMs = 10_000

export function showProgress(stream: NodeJS.WriteStream = process.stderr): SetupProgress {
  return stream.isTTY ? onTerminal(stream) : inLog(stream)
}

function onTerminal(stream: NodeJS.WriteStream): SetupProgress {
  const erase = '\r\u001B[K'
  return {
    step: (text) => void stream.write(`${erase}setup: ${text}\n`),
    detail: (line) => void stream.write(`${erase}  ${printable(line).slice(0, (stream.columns || 80) - 3)}`),
    done: () => void stream.write(erase),
  }
}

function inLog(stream: NodeJS.WriteStream): SetupProgress {
  let shownAt = performance.now()
  return {
    step: (text) => {
      shownAt = performance.now()
      stream.write(`setup: ${text}\n`)
    },
    detail: (line) => {
      if (performance.now() - shownAt < logEveryMs) return
      shownAt = performance.now()
      stream.write(`  ${printable(line)}\n`)
    },
    done: () => undefined,
  }
}

function printable(line: string): string {
  return line.replaceAll(/\p{Cc}/gu, ' ').trim()
}
