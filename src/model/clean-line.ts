/* oxlint-disable no-control-regex -- control characters are what this file is about */

/**
 * What may act on a terminal (ECMA-48), longest form first: control strings (OSC, DCS, SOS, PM,
 * APC) up to their terminator or the line's end, control sequences, other escapes, single controls.
 * Tab and newline are none.
 */
const acting = new RegExp(
  [
    /(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?/,
    /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?/,
    /\u001b[ -/]*[0-~]?/,
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/,
  ]
    .map((form) => form.source)
    .join('|'),
  'g',
)
const colour = /^\u001b\[[0-9;:]{0,32}m$/

/**
 * Text without what acts on a terminal; newlines, tabs and colours (SGR) stay. Never longer than
 * the input.
 */
export function cleanLine(text: string): string {
  return text.replace(acting, (match) => (colour.test(match) ? match : ''))
}

/** True when a clean line has visible characters. */
export function isVisible(line: string): boolean {
  return /\S/.test(line.replace(/\u001b\[[0-9;:]*m/g, ''))
}

/**
 * Whether a colour is on after the line, for whatever comes next to inherit; `before`: whether one
 * was on before it.
 */
export function leavesColourOn(line: string, before: boolean): boolean {
  const last = line.match(/\u001b\[[0-9;:]*m/g)?.at(-1)
  return last === undefined ? before : !/^\u001b\[0*m$/.test(last)
}
