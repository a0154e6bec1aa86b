import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** `packed`: with gzip, once and for all. */
type Asset = { content: Buffer; packed: Buffer; type: string; hash: string }

const directory = join(import.meta.dirname, 'assets')
const { resolve } = createRequire(import.meta.filename)
/** Files of libraries, by the names that they have here. */
const ofLibraries: Record<string, () => string> = {
  'uplot.js': () => resolve('uplot/dist/uPlot.iife.min.js'),
  'uplot.css': () => resolve('uplot/dist/uPlot.min.css'),
  'xterm.js': () => resolve('@xterm/xterm/lib/xterm.js'),
  'xterm.css': () => resolve('@xterm/xterm/css/xterm.css'),
}
const types: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}
const read = new Map<string, Asset>()

/** A file of `assets`, which is kept once it was read; undefined for one that is not there. */
export function readAsset(name: string): Asset | undefined {
  const type = /^[a-z][a-z-]*\.([a-z]+)$/.exec(name)?.[1]
  if (type === undefined || types[type] === undefined) return undefined
  const known = read.get(name)
  if (known) return known
  const path = ofLibraries[name]?.() ?? join(directory, name)
  if (!existsSync(path)) return undefined
  const content = readFileSync(path)
  const hash = createHash('sha256').update(content).digest('base64url').slice(0, 12)
  const asset = { content, packed: gzipSync(content, { level: 9 }), type: types[type], hash }
  read.set(name, asset)
  return asset
}

/** Where browsers find it. */
export function assetUrl(name: string): string {
  return `/dashboard/assets/${readAsset(name)?.hash ?? 'missing'}/${name}`
}
