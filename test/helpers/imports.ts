import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** One import: of a file of the repository, by its path, or of a package, by its specifier. Paths in `src` are without that. */
export type Import = { file: string; of: { file: string } | { package: string }; isType: boolean }

/** The static and dynamic imports of those files. @param files paths below `root` */
export function readImports(root: string, files: string[]): Import[] {
  return files.flatMap((file) => importsIn(file, readFileSync(join(root, file), 'utf8')))
}

export function importsIn(file: string, text: string): Import[] {
  const found = text.matchAll(/^(?:import|export)\b[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm)
  return [...found].map((match) => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? ''
    const of = specifier.startsWith('.') ? { file: withoutSrc(join(dirname(file), specifier)) } : { package: specifier }
    return { file: withoutSrc(file), of, isType: /^(import|export) type\b/.test(match[0]) }
  })
}

/**
 * The imports that a room may not have, as `FILE -> FILE`.
 * @param allowed what each room, or file that is none's, may import: rooms, directories or files; what has no entry may import nothing
 * @param open what all may import
 */
export function strayImports(
  imports: Import[],
  { allowed, open }: { allowed: Record<string, string[]>; open: string[] },
): string[] {
  return imports.flatMap(({ file, of }) => {
    if (!('file' in of)) return []
    const room = roomOf(file)
    const permitted = [room, ...open, ...(allowed[room] ?? [])]
    return permitted.some((place) => isIn(of.file, place)) ? [] : [`${file} -> ${of.file}`]
  })
}

/** What `allowed` permits and nobody imports: a rule that says more than is so. */
export function unusedRules(imports: Import[], allowed: Record<string, string[]>): string[] {
  return Object.entries(allowed).flatMap(([room, places]) =>
    places
      .filter((place) => !imports.some(({ file, of }) => roomOf(file) === room && 'file' in of && isIn(of.file, place)))
      .map((place) => `${room} -> ${place}`),
  )
}

/** The imports of packages outside their one home, as `FILE -> PACKAGE`. @param homes a directory or file for each package */
export function straysFromHome(imports: Import[], homes: Record<string, string>): string[] {
  return imports.flatMap(({ file, of }) => {
    const home = 'package' in of ? homes[of.package] : undefined
    return home === undefined || isIn(file, home) ? [] : [`${file} -> ${(of as { package: string }).package}`]
  })
}

/** All files that a process which begins with this one may load. */
export function loadedBy(imports: Import[], first: string): string[] {
  const next = edges(imports.filter(({ isType }) => !isType))
  const found = new Set([first])
  for (const file of found) for (const target of next.get(file) ?? []) found.add(target)
  return [...found]
}

/** The groups of files each of which imports itself by way of the others (Tarjan's strongly connected components). */
export function cyclesOf(imports: Import[]): string[][] {
  const next = edges(imports)
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const open: string[] = []
  const cycles: string[][] = []
  const visit = (file: string): number => {
    const number = order.size
    order.set(file, number)
    lowest.set(file, number)
    open.push(file)
    for (const target of next.get(file) ?? []) {
      const reached = order.has(target) ? (open.includes(target) ? order.get(target)! : number) : visit(target)
      lowest.set(file, Math.min(lowest.get(file)!, reached))
    }
    if (lowest.get(file) === number) {
      const group = open.splice(open.indexOf(file))
      if (group.length > 1 || next.get(file)?.has(file)) cycles.push(group.toSorted())
    }
    return lowest.get(file)!
  }
  for (const file of next.keys()) if (!order.has(file)) visit(file)
  return cycles
}

function edges(imports: Import[]): Map<string, Set<string>> {
  const next = new Map<string, Set<string>>()
  for (const { file, of } of imports) {
    if ('file' in of) next.set(file, (next.get(file) ?? new Set()).add(of.file))
  }
  return next
}

/** The first directory; a file that lies in none is a room of its own. */
function roomOf(file: string): string {
  return file.split('/')[0] ?? ''
}

function withoutSrc(path: string): string {
  return path.replace(/^src\//, '')
}

function isIn(file: string, place: string): boolean {
  return file === place || file.startsWith(`${place}/`)
}
