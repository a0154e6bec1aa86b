import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { isCode } from '../errors.ts'
import { formatSettings } from '../settings-file.ts'

/** Writes settings into the file, whose comments, order and other lines stay. */
export function writeSettings(path: string, settings: Record<string, string>): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  const text = changeSettings(readOrNot(path), settings)
  const draft = `${path}.new`
  writeFileSync(draft, text, { mode: 0o600, flush: true })
  chmodSync(draft, 0o600)
  renameSync(draft, path)
}

/** @param text undefined: there is no file */
export function changeSettings(text: string | undefined, settings: Record<string, string>): string {
  if (text === undefined) return formatSettings(settings)
  const left = new Map(Object.entries(settings))
  const lines = text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => {
      const name = /^\s*([A-Z_][A-Z0-9_]*)=/.exec(line)?.[1]
      const value = name === undefined ? undefined : left.get(name)
      if (name === undefined || value === undefined) return line
      left.delete(name)
      return `${name}=${value}`
    })
  return [...lines, ...[...left].map(([name, value]) => `${name}=${value}`), ''].join('\n')
}

function readOrNot(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if (isCode(cause, 'ENOENT')) return undefined
    throw cause
  }
}
