import type { Readable } from 'node:stream'
import { PaasError } from '../errors.ts'
import type { Owner } from '../model/app-user.ts'
import { rewriteTar, type Header, type NewHeader } from '../tar.ts'

/** Bounds what is remembered of one upload. */
const mostEntries = 1_000_000
const longestName = 4096

/**
 * What the engine unpacks of a tar from a stranger: plain files, directories and links inside the
 * volume, all of them the app's own.
 * @throws source_invalid naming the entry, payload_too_large
 */
export function uploadedFiles(tar: Readable, { owner, bytes: most }: { owner: Owner; bytes: number }): Readable {
  const links = new Set<string>()
  let [entries, bytes] = [0, 0]
  return rewriteTar(tar, (header, _read, add) => {
    if (entries === 0) add({ name: 'volume', type: 'directory', mode: 0o777, ...owner })
    if (++entries > mostEntries) throw tooMany()
    const name = nameIn(header.name)
    if (name === '') return undefined
    refuseWay(name, links)
    bytes += header.size ?? 0
    if (bytes > most) throw tooLarge(most)
    const entry = entryOf(header, name)
    if (entry.type === 'symlink') links.add(name)
    return { ...entry, ...owner }
  })
}

/** From the volume on, without `.`; empty for the volume itself. */
function nameIn(name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  const isOutside = name.startsWith('/') || parts.includes('..')
  if (isOutside) throw invalid(name, 'leads out of the volume')
  if (name.length > longestName) throw invalid(name, `is longer than ${longestName} characters`)
  if (/[\0\uFFFD]/.test(name)) throw invalid(name, 'is no UTF-8')
  return parts.join('/')
}

/** What lies behind a link of the same tar would be written elsewhere. */
function refuseWay(name: string, links: Set<string>): void {
  const parts = name.split('/')
  const through = parts.slice(0, -1).some((_, end) => links.has(parts.slice(0, end + 1).join('/')))
  if (through) throw invalid(name, 'lies behind a symbolic link')
}

/** Nothing beyond this of what a tar may say gets in: no set-user-ID bit, no attributes. */
function entryOf({ type, size, mode, mtime, linkname, name: given }: Header, name: string): NewHeader {
  const common = { name: `volume/${name}`, mtime: mtime ?? new Date(0), mode: (mode ?? 0o644) & 0o777 }
  switch (type) {
    case 'file':
    case 'contiguous-file':
    case null:
    case undefined:
      return { ...common, type: 'file', size: size ?? 0 }
    case 'directory':
      return { ...common, type, mode: common.mode | 0o700 }
    case 'symlink':
      if (!linkname || linkname.length > longestName) throw invalid(given, 'is a link without a target')
      return { ...common, type, linkname, mode: 0o777 }
    case 'link':
      return { ...common, type, linkname: `volume/${nameIn(linkname ?? '')}` }
    case 'character-device':
    case 'block-device':
    case 'fifo':
    default:
      throw invalid(given, `is a ${type.replace('-', ' ')}`)
  }
}

function invalid(name: string, problem: string): PaasError {
  const shown = JSON.stringify(name.slice(0, 100))
  return new PaasError('source_invalid', `${shown} in the tar ${problem}; nothing of it was kept.`)
}

function tooMany(): PaasError {
  return new PaasError('source_invalid', `The tar has more than ${mostEntries} entries; nothing of it was kept.`)
}

function tooLarge(most: number): PaasError {
  return new PaasError(
    'payload_too_large',
    `The files have more than ${Math.ceil(most / 2 ** 20)} MiB, a volume's limit.`,
  )
}
