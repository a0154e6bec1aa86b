/**
 * errno(3) in git's words. Of the directory for what comes in, git does not say why it cannot be
 * made.
 */
const refusals =
  /No space left on device|Disk quota exceeded|Read-only file system|unable to create temporary object directory/

/** Whether git says that the disk took nothing. */
export function saysDiskFull(complaint: string): boolean {
  return refusals.test(complaint)
}
