/* oxlint-disable no-control-regex, no-misleading-character-class -- invisible characters are what this file is about */

/** Code points HFS+ ignores in names, as git's utf8.c lists them for core.protectHFS. */
const invisible = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g

/**
 * True for a name that some file system takes for `.git`: by case, by what HFS+ ignores, or by what
 * NTFS drops or abbreviates (CVE-2014-9390, CVE-2019-1352).
 */
export function isGitDirectory(name: string): boolean {
  return name.split('\\').some((part) => {
    const [stem = ''] = part.replace(invisible, '').toLowerCase().split(':')
    return /^(\.git|git~1)[. ]*$/.test(stem)
  })
}

/** A key that is equal for paths that are one file where case does not count. */
export function sameNameAs(path: string): string {
  return path.normalize('NFC').toLowerCase()
}
