import { cleanLine } from '../model/clean-line.ts'
import type { LogLine } from '../model/app-log.ts'

/** Logplex splits longer messages; so do we. Bytes of UTF-8. */
const longestText = 10_000

/**
 * A terminal goes back to the line's begin at a CR; one before an LF, or at either end, shows
 * nothing.
 */
const newline = /\r*\n|\r+/
/** What most lines are: nothing in them to strip or to split. */
const plain = /^[\t\x20-\x7e\xa0-\uffff]*$/

const written = /^(\d{4}-\d\d-\d\dT[\d:.]+)\+00:00 (app|heroku)\[([^\]]*)\]: (.*)$/

/**
 * The line as it is kept: `2026-11-22T11:30:31.964000+00:00 app[web.1]: text\n`. Several lines when
 * the text has newlines or more than 10,000 bytes. No control character but tab and colours is left
 * in it.
 */
export function formatLine({ time, source, process, text }: LogLine): string {
  const head = `${formatTime(time)} ${source}[${nameOf(process)}]: `
  if (text.length * 3 <= longestText && plain.test(text)) return `${head}${text}\n`
  let lines = ''
  for (const part of withoutOuterReturns(text).split(newline)) {
    for (const piece of split(cleanLine(part))) lines += `${head}${piece}\n`
  }
  return lines
}

let lastName = { process: '', name: '' }

function nameOf(process: string): string {
  if (process !== lastName.process) lastName = { process, name: process.replace(/[^\w.-]/g, '_') }
  return lastName.name
}

function withoutOuterReturns(text: string): string {
  let [start, end] = [0, text.endsWith('\n') ? text.length - 1 : text.length]
  while (text[start] === '\r') start += 1
  while (end > start && text[end - 1] === '\r') end -= 1
  return text.slice(start, end)
}

/** Undefined for what is not a whole line of ours. */
export function parseLine(line: string): LogLine | undefined {
  const [, time, source, process, text] = written.exec(line) ?? []
  if (time === undefined || process === undefined || text === undefined) return undefined
  return { time: new Date(`${time.slice(0, 23)}Z`), source: source === 'app' ? 'app' : 'heroku', process, text }
}

let last = { time: NaN, text: '' }

/**
 * Logplex's microseconds; a JavaScript date has milliseconds. A busy router writes many lines in
 * one.
 */
export function formatTime(time: Date): string {
  const milliseconds = time.getTime()
  if (milliseconds !== last.time) last = { time: milliseconds, text: `${time.toISOString().slice(0, -1)}000+00:00` }
  return last.text
}

function split(text: string): string[] {
  // One UTF-16 unit is three bytes of UTF-8 at most: the usual short line is not encoded for
  // counting.
  if (text.length * 3 <= longestText || Buffer.byteLength(text) <= longestText) return [text]
  const bytes = Buffer.from(text)
  const pieces: string[] = []
  for (let start = 0; start < bytes.length;) {
    let end = Math.min(start + longestText, bytes.length)
    while (isContinuation(bytes[end])) end--
    pieces.push(bytes.toString('utf8', start, end))
    start = end
  }
  return pieces
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}
