import type { FastifyReply, FastifyRequest } from 'fastify'
import { PaasError } from '../../errors.ts'

type Sortable = string | number
type Fields<T> = Record<string, (item: T) => Sortable>
type Range = { field: string; start: Bound | undefined; end: Bound | undefined; max: number; descending: boolean }
/** `id` is that of an item, where several have the same value. */
type Bound = { value: string; id?: string | undefined; inclusive: boolean }

const defaultMax = 200
const largestMax = 1000

/**
 * Heroku's paging: `Range: version 5..; max=10, order=desc` (each part may be missing, `]5`
 * excludes 5) selects and orders; an answer that is not the last one is 206 and names the next
 * range in `Next-Range`. Items with the same value are in the order of `items`, and a range that
 * continues among them names the last one's id too: `created_at ]2026-01-01T00:00:00.000Z ID..`.
 * @param own what may be ordered by, in the order of `Accept-Ranges`, beside `commonFields`; the
 *   first is the default
 * @throws bad_request for a field or limit that is not possible
 */
export function page<T>(request: FastifyRequest, reply: FastifyReply, items: T[], own: Fields<T>): T[] {
  const fields = { ...own, ...commonFields(items) }
  const range = parseRange(String(request.headers.range ?? ''), Object.keys(fields))
  const field = fields[range.field] as (item: T) => Sortable
  const places = new Map(items.map((item, place) => [idOf(item), place]))
  const direction = range.descending ? -1 : 1
  const selected = items
    .filter((item, place) => isWithin({ value: field(item), place }, range, places))
    .map((item, place) => ({ item, value: field(item), place }))
    .toSorted((a, b) => direction * (compare(a.value, b.value) || a.place - b.place))
    .map(({ item }) => item)
  const shown = selected.slice(0, range.max)
  const next = selected[range.max]
  reply.header('Accept-Ranges', Object.keys(fields).join(', '))
  const [first, last] = [shown[0], shown.at(-1)]
  if (first === undefined || last === undefined) return []
  reply.header('Content-Range', `${range.field} ${field(first)}..${field(last)}`)
  if (next !== undefined) {
    const order = range.descending ? ', order=desc' : ''
    const start = `]${field(last)}${field(last) === field(next) ? ` ${idOf(last)}` : ''}`
    const end = range.end ? boundText(range.end) : ''
    reply.code(206).header('Next-Range', `${range.field} ${start}..${end}; max=${range.max}${order}`)
  }
  return shown
}

/** What any list can be ordered by, if its items have it: ids and times. */
function commonFields<T>(items: T[]): Fields<T> {
  const fields = {
    id: idOf,
    created_at: timeOf('createdAt', 'created_at'),
    updated_at: timeOf('updatedAt', 'updated_at'),
  }
  return Object.fromEntries(Object.entries(fields).filter(([, field]) => items.every((item) => field(item) !== '')))
}

function idOf(item: unknown): string {
  return textOf((item as { id?: unknown }).id)
}

/** Reads a field of a database item, or of one that is shaped for the answer already. */
function timeOf(...names: string[]): (item: unknown) => string {
  return (item) => names.map((name) => textOf((item as Record<string, unknown>)[name])).find(Boolean) ?? ''
}

function textOf(value: unknown): string {
  return value instanceof Date ? value.toISOString() : typeof value === 'string' ? value : ''
}

/** A unit other than our fields (`bytes=0-`) is ignored, as RFC 9110 section 14.2 wants. */
function parseRange(header: string, fields: string[]): Range {
  const { field, start, end, options } = partsOf(header)
  if (field && !fields.includes(field)) {
    throw new PaasError('bad_request', `Range: cannot order by ${field}; supported are ${fields.join(', ')}.`)
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

/** `FIELD START..END; OPTIONS` */
function partsOf(header: string): { field: string; start: string; end: string; options: string } {
  const [unit, options = ''] = cutAt(header.trim(), ';')
  const [field, bounds = ''] = cutAt(unit, ' ')
  const [start, end] = cutAt(bounds, '..')
  if (!/^[a-z_]+$/.test(field) || end === undefined) return { field: '', start: '', end: '', options: '' }
  return { field, start, end, options }
}

function cutAt(text: string, mark: string): [string, string?] {
  const place = text.indexOf(mark)
  return place < 0 ? [text] : [text.slice(0, place), text.slice(place + mark.length)]
}

function parseBound(text: string): Bound | undefined {
  const [value = '', id] = text
    .trim()
    .replace(/^\]|\[$/, '')
    .split(' ')
  return value === '' ? undefined : { value, id, inclusive: !/^\]|\[$/.test(text.trim()) }
}

function boundText({ value, id, inclusive }: Bound): string {
  return [value, id].filter(Boolean).join(' ') + (inclusive ? '' : '[')
}

/**
 * In descending order the range begins at the greater end. If a bound's item is gone, items with
 * its value are repeated.
 */
function isWithin(
  { value, place }: { value: Sortable; place: number },
  { start, end, descending }: Range,
  places: Map<string, number>,
): boolean {
  const direction = descending ? -1 : 1
  const after = ({ id, ...bound }: Bound) => {
    const byValue = direction * compare(value, typeof value === 'number' ? toNumber(bound) : bound.value)
    const known = id === undefined ? undefined : places.get(id)
    return byValue || (id === undefined ? 0 : known === undefined ? 1 : direction * (place - known))
  }
  const fromStart = start === undefined || (start.inclusive ? after(start) >= 0 : after(start) > 0)
  const toEnd = end === undefined || (end.inclusive ? after(end) <= 0 : after(end) < 0)
  return fromStart && toEnd
}

function toNumber({ value }: Pick<Bound, 'value'>): number {
  if (/^\d{1,15}$/.test(value)) return Number(value)
  throw new PaasError('bad_request', `Range: ${JSON.stringify(value)} is not a number.`)
}

function compare(a: Sortable, b: Sortable): number {
  return a < b ? -1 : a > b ? 1 : 0
}
