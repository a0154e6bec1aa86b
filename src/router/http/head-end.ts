const emptyLine = Buffer.from('\r\n\r\n')

/** The offset after the empty line that ends a head beginning at `from`, or -1. */
export function findHeadEnd(bytes: Buffer, from: number): number {
  const at = bytes.indexOf(emptyLine, from)
  return at === -1 ? -1 : at + emptyLine.length
}

/**
 * Whether a line in these first bytes of a head ends with LF alone: nothing that follows makes such
 * a head valid.
 */
export function hasBareNewline(bytes: Buffer, from: number): boolean {
  for (let at = bytes.indexOf(0x0a, from); at !== -1; at = bytes.indexOf(0x0a, at + 1)) {
    if (at === from || bytes[at - 1] !== 0x0d) return true
  }
  return false
}
