import { isAbsolute } from 'node:path'

/** `repository`: a directory, or a place in an S3-compatible store, as restic names it. */
export type BackupTarget = { repository: string; passphraseFile: string }

/** Keys belong into the environment, where restic looks for them, and not into an address. */
export function isBackupPlace(repository: string): boolean {
  if (!repository.startsWith('s3:')) return isAbsolute(repository)
  const address = repository.slice('s3:'.length)
  const url = URL.canParse(address) ? new URL(address) : undefined
  return /^https?:$/.test(url?.protocol ?? '') && url?.username === '' && url.search === '' && url.pathname.length > 3
}

export function withoutPassword(repository: string): string {
  return repository.replace(/\/\/[^/@]*@/, '//***@')
}
