import { renderUnicodeCompact } from 'uqr'

/** For a terminal with light text on dark, two rows of the code in a line of text. */
export function qrText(text: string): string {
  return renderUnicodeCompact(text, { border: 2 })
}
