import { renderSVG, renderUnicodeCompact } from 'uqr'

/** For a terminal with light text on dark, two rows of the code in a line of text. */
export function qrText(text: string): string {
  return renderUnicodeCompact(text, { border: 2 })
}

/** An `svg` element without scripts or styles, for a page. */
export function qrSvg(text: string): string {
  return renderSVG(text, { border: 2 })
}
