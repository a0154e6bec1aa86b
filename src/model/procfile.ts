import { PaasError } from '../errors.ts'
import { processTypePattern } from './formation.ts'

/** Process type → command line, as a Procfile declares them; `release` is among them. */
export type ProcessTypes = Record<string, string>

const mostBytes = 64 * 1024

/**
 * Reads a Procfile: lines `TYPE: COMMAND` (Heroku's rule, `^([\w-]+):\s*(.+)$`), blank lines and
 * `#` comments.
 * @throws procfile_invalid naming the first line that is wrong
 */
export function parseProcfile(text: string): ProcessTypes {
  if (Buffer.byteLength(text) > mostBytes) throw invalid(`Procfile is larger than ${mostBytes / 1024} KiB`)
  const types = new Map<string, string>()
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    if (/^\s*(#|$)/.test(line)) continue
    const { type, command } = parseLine(line, index + 1)
    if (types.has(type)) throw invalid(`Procfile line ${index + 1} declares "${type}" a second time`)
    types.set(type, command)
  }
  if (types.size === 0) throw invalid('Procfile declares no process type')
  return Object.fromEntries(types)
}

/** What is wrong with the `process_types` of a request; undefined: nothing. */
export function processTypesProblem(types: ProcessTypes): string | undefined {
  const entries = Object.entries(types)
  if (entries.length === 0) return 'process_types must have a process type, such as "web"'
  if (Buffer.byteLength(JSON.stringify(types)) > mostBytes)
    return `process_types must have at most ${mostBytes / 1024} KiB`
  for (const [type, command] of entries) {
    if (!processTypePattern.test(type))
      return `process_types has ${JSON.stringify(shorten(type))}, which is not a valid process type`
    if (command.trim() === '' || hasControl(command)) return `process_types.${type} must be one line with a command`
  }
  return undefined
}

function parseLine(line: string, number: number): { type: string; command: string } {
  const [, type, rest = ''] = /^([\w-]+):(.*)$/.exec(line) ?? []
  const command = rest.trim()
  if (!type || !command || !processTypePattern.test(type) || hasControl(line)) {
    throw invalid(`Procfile line ${number} is ${JSON.stringify(shorten(line))}; it must be TYPE: COMMAND`)
  }
  return { type, command }
}

function hasControl(line: string): boolean {
  // oxlint-disable-next-line no-control-regex -- a command line goes to a shell and to terminals
  return /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/.test(line)
}

function shorten(line: string): string {
  return line.length > 60 ? `${line.slice(0, 60)}…` : line
}

function invalid(message: string): PaasError {
  return new PaasError('procfile_invalid', message, {
    hint: 'Write one process type per line, for example: web: node server.js',
  })
}
