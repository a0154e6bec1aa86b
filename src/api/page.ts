import type { FastifyReply, FastifyRequest } from 'fastify'
import { PaasError } from '../errors.ts'

type Sortable = string | number
type Fields<T> = Record<string, (item: T) => Sortable>
type Range = { field: string; start: Bound | undefined; end: Bound | undefined; max: number; descending: boolean }
type Bound = { value: string; inclusive: boolean }

const defaultMax = 200
const largestMax = 1000

/**
 * Heroku's paging: `Range: version 5..; max=10, order=desc` (each part may be missing, `]5` excludes 5) selects and
 * orders; an answer that is not the last one is 206 and names the next range in `Next-Range`.
 * @param fields what may be ordered by, in the order of `Accept-Ranges`; the first is the default
 * @throws bad_request for a field or limit that is not possible
 */
export function page<T>(request: FastifyRequest, reply: FastifyReply, items: T[], fields: Fields<T>): T[] {
  const range = parseRange(String(request.headers.range ?? ''), Object.keys(fields))
  const field = fields[range.field] as (item: T) => Sortable
  const direction = range.descending ? -1 : 1
  const selected = items
    .filter((item) => isWithin(field(item), range))
    .toSorted((a, b) => direction * compare(field(a), field(b)))
  const shown = selected.slice(0, range.max)
  reply.header('Accept-Ranges', Object.keys(fields).join(', '))
  const [first, last] = [shown[0], shown.at(-1)]
  if (first === undefined || last === undefined) return []
  reply.header('Content-Range', `${range.field} ${field(first)}..${field(last)}`)
  if (shown.length < selected.length) {
    const order = range.descending ? ', order=desc' : ''
    reply
      .code(206)
      .header(
        'Next-Range',
        `${range.field} ]${field(last)}..${range.end ? boundText(range.end) : ''}; max=${range.max}${order}`,
      )
  }
  return shown
}

/** A unit that is none of our fields (`bytes=0-`) is ignored, as RFC 9110 section 14.2 wants. */
function parseRange(header: string, fields: string[]): Range {
  const [, field = '', start = '', end = '', options = ''] =
    /^\s*([a-z_]+)\s+(.*?)\.\.(.*?)(?:;(.*))?$/.exec(header) ?? []
  if (field && !fields.includes(field)) {
    throw new PaasError('bad_request', `Range: cannot order by ${field}; possible are ${fields.join(', ')}.`)
  }
  const settings = Object.fromEntries(options.split(/[,;]/).map((option) => option.trim().split('=', 2)))
  const max = Number(settings['max'] ?? defaultMax)
  if (!Number.isInteger(max) || max < 1) throw new PaasError('bad_request', 'Range: max must be from 1 to 1000.')
  return {
    field: field || (fields[0] ?? ''),
    start: parseBound(start),
    end: parseBound(end),
    max: Math.min(max, largestMax),
    descending: settings['order'] === 'desc',
  }
}

function parseBound(text: string): Bound | undefined {
  const value = text.trim().replace(/^\]|\[$/, '')
  return value === '' ? undefined : { value, inclusive: value === text.trim() }
}

function boundText({ value, inclusive }: Bound): string {
  return inclusive ? value : `${value}[`
}

/** In descending order the range begins at the greater end. */
function isWithin(value: Sortable, { start, end, descending }: Range): boolean {
  const direction = descending ? -1 : 1
  const after = (bound: Bound) => direction * compare(value, typeof value === 'number' ? toNumber(bound) : bound.value)
  const fromStart = start === undefined || (start.inclusive ? after(start) >= 0 : after(start) > 0)
  const toEnd = end === undefined || (end.inclusive ? after(end) <= 0 : after(end) < 0)
  return fromStart && toEnd
}

function toNumber({ value }: Bound): number {
  if (/^\d{1,15}$/.test(value)) return Number(value)
  throw new PaasError('bad_request', `Range: ${JSON.stringify(value)} is not a number.`)
}

function compare(a: Sortable, b: Sortable): number {
  return a < b ? -1 : a > b ? 1 : 0
}
