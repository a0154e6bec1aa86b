import { createHash } from 'node:crypto'
import { dynoSizes, type DynoSize } from '../../model/formation.ts'

/** Heroku's form of a time: RFC 3339 in UTC without fractions. */
export function time(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z')
}

/** Whole seconds since then, 0 at least; rounded up, for no less may be lost than is told. */
export function secondsSince(date: Date): number {
  return Math.max(0, Math.ceil((Date.now() - date.getTime()) / 1000))
}

/**
 * A UUID (version 8, RFC 9562) that is always the same for a name: for resources that the database
 * gives no id.
 */
export function uuidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

export function named(kind: string, name: string): { id: string; name: string } {
  return { id: uuidOf(`${kind} ${name}`), name }
}

/** `standard-1x` → `Standard-1X`, as Heroku and its CLI write dyno sizes. */
export function sizeName(size: string): string {
  return size.replaceAll(/(^|-)([a-z])|(\dx)$/g, (part) => part.toUpperCase())
}

/** The size of that name in any case, or its id. */
export function findSize(nameOrId: string): DynoSize | undefined {
  return (Object.keys(dynoSizes) as DynoSize[]).find(
    (size) => size === nameOrId.toLowerCase() || uuidOf(`dyno size ${sizeName(size)}`) === nameOrId,
  )
}
