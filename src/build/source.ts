import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { PaasError } from '../errors.ts'
import { forEachEntry, rewriteTar } from '../tar.ts'
import type { SourceLimits } from '../model/source.ts'
import { appDirectory } from './directories.ts'
import { tenant } from '../model/app-user.ts'
import { isLfsPointer, mayBeLfsPointer } from './lfs-pointers.ts'
import { slugignore } from './slugignore.ts'
import { buildingPacks, packFacts } from './packs.ts'
import { TextSearch } from './text-search.ts'
import { hasWindowsLines, isScript } from './windows-lines.ts'

/** What must be known of a commit's tree before it is built. */
export type SourceFacts = {
  /** Of all files together. */
  bytes: number
  /** Files and directories. */
  entries: number
  /** Names in the root. */
  root: Set<string>
  /** Paths of files below it by which an app is known, a few. */
  appDirectories: string[]
  /** Content of the files in the root that the platform itself reads. */
  files: Partial<Record<PlatformFile, string>>
  /** Paths of scripts that cannot run, since their lines end as on Windows. */
  windowsScripts: string[]
  /** Paths of files that are kept in Git LFS: their content is elsewhere. */
  lfsPointers: string[]
  /** Some file, or a file's name, has the name of the variable that tells packs the commit. */
  namesVersion: boolean
}

const platformFiles = ['.buildpacks', '.slugignore', 'Procfile', 'app.json'] as const
type PlatformFile = (typeof platformFiles)[number]

/** A file the platform reads has at most this many bytes. */
export const mostBytesRead = 64 * 1024

/** Those that are looked for. */
const mostAppDirectories = 3
const appNames = new Set(['Dockerfile', ...buildingPacks.flatMap((pack) => packFacts[pack].detectedBy)])

/** Reads through a tar of a commit's tree. @throws source_invalid when it is over a limit */
export async function readSource(tar: Readable, limits: SourceLimits): Promise<SourceFacts> {
  const source: SourceFacts = {
    root: new Set(),
    appDirectories: [],
    files: {},
    windowsScripts: [],
    lfsPointers: [],
    bytes: 0,
    entries: 0,
    namesVersion: false,
  }
  const search = new TextSearch('SOURCE_VERSION')
  tar.on('data', (chunk: Buffer) => search.feed(chunk))
  let bytes = 0
  let entries = 0
  await forEachEntry(tar, async (entry) => {
    const { name, size, type } = entry.header
    bytes += size
    entries += 1
    if (bytes > limits.sourceBytes) throw tooMuch(`has more than ${limits.sourceBytes / 2 ** 20} MiB of files`)
    if (entries > limits.sourceFiles) throw tooMuch(`has more than ${limits.sourceFiles} files`)
    source.root.add(name.split('/')[0] ?? name)
    if (source.appDirectories.length < mostAppDirectories && isOfApp(name)) source.appDirectories.push(name)
    if (!isPlatformFile(name)) {
      const mayPoint = mayBeLfsPointer(entry.header)
      if (!mayPoint && !isScript(entry.header)) return
      const content = await buffer(entry)
      if (mayPoint && isLfsPointer(content)) source.lfsPointers.push(name)
      else if (isScript(entry.header) && hasWindowsLines(content, entry.header)) source.windowsScripts.push(name)
      return
    }
    if (type !== 'file') return
    if (size > mostBytesRead) throw tooMuch(`has a ${name} of more than ${mostBytesRead / 1024} KiB`)
    source.files[name] = textOf(name, await buffer(entry))
  })
  return { ...source, bytes, entries, namesVersion: search.found }
}

/**
 * The tree as it goes into the build, below the app's directory: all of it the tenant's, without
 * what the patterns of a `.slugignore` name.
 */
export function sourceForBuild(tar: Readable, patterns = ''): Readable {
  const isIgnored = slugignore(patterns)
  return rewriteTar(tar, (header) => {
    const name = header.name.replace(/\/$/, '')
    if (name === '' || name === '.gitmodules' || isIgnored(name, header.type === 'directory')) return undefined
    return {
      name: `${appDirectory.slice(1)}/${header.name}`,
      type: header.type,
      size: header.size,
      // The modes of a checkout; git archive makes files writable for the group.
      mode: header.mode & 0o755,
      mtime: header.mtime,
      linkname: header.linkname,
      ...tenant,
    }
  })
}

/** One or two directories below the root, and not among what a package manager puts there. */
function isOfApp(path: string): boolean {
  const [name = '', ...above] = path.split('/').toReversed()
  const isNear = above.length === 1 || above.length === 2
  return isNear && appNames.has(name) && !above.some((part) => /^(\..*|node_modules|vendor|tests?|docs)$/.test(part))
}

function isPlatformFile(name: string): name is PlatformFile {
  return (platformFiles as readonly string[]).includes(name)
}

/** What PowerShell's `>` writes is UTF-16. */
function textOf(name: string, content: Buffer): string {
  if (!content.includes(0)) return new TextDecoder().decode(content)
  const encoding = /^(\xff\xfe|\xfe\xff)/.test(content.toString('latin1', 0, 2)) ? 'in UTF-16' : 'with NUL bytes in it'
  throw new PaasError('source_invalid', `The commit has a ${name} ${encoding}; it must be UTF-8.`, {
    hint: `Save it as UTF-8, in PowerShell with: (Get-Content ${name}) | Set-Content -Encoding utf8 ${name}`,
  })
}

function tooMuch(what: string): PaasError {
  return new PaasError('source_invalid', `The commit ${what}.`, { hint: 'Remove large or generated files from git.' })
}
