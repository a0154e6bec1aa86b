const emptyLine = Buffer.from('\r\n\r\n')

/** The offset after the empty line that ends a head beginning at `from`, or -1. */
export function findHeadEnd(bytes: Buffer, from: number): number {
  const at = bytes.indexOf(emptyLine, from)
  return at === -1 ? -1 : at + emptyLine.length
}
