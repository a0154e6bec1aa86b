import { refuseUnless } from './refused.ts'

/** A request, taken apart. `version` is that of the engine's API. */
export type AskedCall = { method: string; version: string | undefined; path: string; query: Map<string, string> }

/** Versions that this code is for; older ones understand some requests otherwise. */
const oldest = 40
const newest = 51

/** Nothing is decoded in a path, so nothing in it can mean two things. */
const form = /^(?:\/v1\.(\d{1,3}))?((?:\/[A-Za-z0-9_.:@-]+)+)(?:\?(.*))?$/

/** @throws Refused what has no single meaning */
export function parseAsked(method: string, url: string): AskedCall {
  const [, minor, path, query = ''] = form.exec(url) ?? []
  refuseUnless(path !== undefined, 'the path is not written plainly')
  refuseUnless(!path.split('/').some((part) => /^\.+$/.test(part)), 'the path leads upwards')
  const isKnown = minor === undefined || (Number(minor) >= oldest && Number(minor) <= newest)
  refuseUnless(isKnown, 'the version of the API is not one of those in use')
  return { method, version: minor === undefined ? undefined : `v1.${Number(minor)}`, path, query: parseQuery(query) }
}

function parseQuery(text: string): Map<string, string> {
  const pairs = [...new URLSearchParams(text)]
  const query = new Map(pairs)
  refuseUnless(query.size === pairs.length, 'a key of the query comes twice')
  return query
}
