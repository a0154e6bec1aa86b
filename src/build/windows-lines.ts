import type { Header } from '../tar.ts'

/** No script that somebody wrote is larger; bytes. */
const mostBytes = 64 * 1024

type File = Pick<Header, 'name' | 'size' | 'type' | 'mode'>

/** True for what may be a script, by its mode and name: others need not be read. */
export function isScript({ name, size, type, mode }: File): boolean {
  if (type !== 'file' || size > mostBytes || name.includes('node_modules/')) return false
  return isExecutable(mode) || /(\.(ba)?sh|(^|\/)[^./]+)$/.test(name)
}

/**
 * True for a script that Linux cannot run because its lines end as on Windows: it looks for a
 * program "bash\r". Interpreters of other languages than the shell's do not mind, so that theirs
 * may end their lines so unless they are started by their first line.
 */
export function hasWindowsLines(content: Buffer, { mode }: Pick<File, 'mode'>): boolean {
  const [, interpreter] = /^#!([^\n]*)\r\n/.exec(content.toString('latin1', 0, 256)) ?? []
  return interpreter !== undefined && (isExecutable(mode) || /\b(ba|da|k|z)?sh\b/.test(interpreter))
}

function isExecutable(mode: number): boolean {
  return (mode & 0o111) > 0
}
