import type { Header, NewHeader } from '../tar.ts'
import type { Owner } from '../model/app-user.ts'
import { whiteout } from '../source/layer-names.ts'
import { placeOf, invalidTarball, showName, tooMuch } from '../source/tarball.ts'

type Kind = 'file' | 'directory' | 'symlink'

/** Directories inside each other, and bytes of a path, as of commits. */
const deepest = 100
const longestPath = 1024
/** Bytes of all paths together: they are held while the archive is read. */
const mostPathBytes = 16 * 2 ** 20

/**
 * Where the files of a slug that a stranger made lie in its image: `./app/…` at `/app/…`, all of it
 * the owner's. Every name is looked at together with those before it, so that none is written
 * through another that is no directory.
 */
export class UploadedLayout {
  readonly #kinds = new Map<string, Kind>()
  readonly #mostEntries: number
  readonly #owner: Owner
  #pathBytes = 0

  constructor(mostEntries: number, owner: Owner) {
    this.#mostEntries = mostEntries
    this.#owner = owner
  }

  /**
   * @param add takes the directories above an entry that have no entry of their own
   * @returns undefined for what is left out: git's own files, and directories that are there
   *   already
   * @throws source_invalid
   */
  place(header: Header, add: (directory: NewHeader) => void): NewHeader | undefined {
    const path = appPath(header.name)
    if (path === undefined) return undefined
    const { type, mtime, size } = header
    const mode = path === 'app' ? 0o755 : header.mode & 0o777
    const entry = { name: path, mtime, mode, ...this.#owner }
    if (type === 'directory') return this.#take(path, 'directory', add) ? { ...entry, type, size: 0 } : undefined
    if (path === 'app') throw invalidTarball('./app is not a directory')
    const isFile = type === 'file' || type === 'contiguous-file'
    if (!isFile && type !== 'link' && type !== 'symlink') {
      throw invalidTarball(`${showName(header.name)} is a ${type ?? 'thing of an unknown kind'}, not a file`)
    }
    // A symbolic link may point anywhere: like those that a build makes, it is followed only inside
    // a dyno.
    const linkname = type === 'link' ? this.#linked(header) : (header.linkname ?? '')
    this.#take(path, type === 'symlink' ? type : 'file', add)
    return isFile ? { ...entry, type: 'file', size } : { ...entry, type, linkname, size: 0 }
  }

  /** True when there was nothing of that name. */
  #take(path: string, kind: Kind, add: (directory: NewHeader) => void): boolean {
    for (let end = path.indexOf('/'); end > 0; end = path.indexOf('/', end + 1))
      this.#enter(path.slice(0, end), path, add)
    const present = this.#kinds.get(path)
    if (present === 'directory' && kind === 'directory') return false
    if (present) throw invalidTarball(`${showName(path)} appears twice`)
    this.#remember(path, kind)
    return true
  }

  #enter(directory: string, path: string, add: (directory: NewHeader) => void): void {
    const kind = this.#kinds.get(directory)
    if (kind === 'directory') return
    if (kind) throw invalidTarball(`${showName(directory)} is not a directory, but contains ${showName(path)}`)
    this.#remember(directory, 'directory')
    add({ name: directory, type: 'directory', mode: 0o755, ...this.#owner })
  }

  /** Directories without an entry count as well: a short archive may name a great many. */
  #remember(path: string, kind: Kind): void {
    this.#kinds.set(path, kind)
    this.#pathBytes += Buffer.byteLength(path)
    if (this.#kinds.size > this.#mostEntries) throw tooMuch(`has more than ${this.#mostEntries} files and directories`)
    if (this.#pathBytes > mostPathBytes) throw tooMuch(`has paths of more than ${mostPathBytes / 2 ** 20} MiB in all`)
  }

  /** A hard link is one more name of a file that came before. */
  #linked({ name, linkname }: Header): string {
    const target = appPath(linkname ?? '')
    if (target !== undefined && this.#kinds.get(target) === 'file') return target
    throw invalidTarball(
      `${showName(name)} is a link to ${showName(linkname ?? '')}, which is not an earlier file of the archive`,
    )
  }
}

/** `app/…`, or undefined for what is left out. @throws source_invalid */
function appPath(name: string): string | undefined {
  const place = placeOf(name)
  if (place.kind === 'left out') return undefined
  const { path } = place
  const names = path.split('/')
  if (names[0] !== 'app') throw invalidTarball(`${showName(name)} is not in ./app`)
  if (Buffer.byteLength(path) > longestPath)
    throw invalidTarball(`the path ${showName(path)} has more than ${longestPath} bytes`)
  if (names.length > deepest) throw invalidTarball(`${showName(path)} is nested deeper than ${deepest} directories`)
  if (names.some((part) => part.startsWith(whiteout)))
    throw invalidTarball(`a name in ${showName(path)} begins with ${whiteout}`)
  return path
}
