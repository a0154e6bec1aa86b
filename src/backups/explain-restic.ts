import { PaasError } from '../errors.ts'

/** What restic says on its way, and not of a failure. */
const chatter =
  /^(is there a repository|repository .* opened|created new cache|using parent|no parent|open repository|lock repository|\[\d)/i

/** Known complaints, and what each means. */
const causes: [said: RegExp, meaning: string][] = [
  [/wrong password or no key found/, 'its backups were made with another passphrase'],
  [/specified bucket does not exist|NoSuchBucket/i, 'there is no such bucket'],
  [
    /access key id you provided does not exist|no user exists with the provided access key|InvalidAccessKeyId/i,
    'it does not know the access key',
  ],
  [/SignatureDoesNotMatch|signature we calculated/i, 'the secret key is wrong'],
  [/access denied|AccessDenied|403 Forbidden/i, 'it denies access'],
  [/certificate signed by unknown authority|x509: /i, 'its certificate is not one that this machine trusts'],
  [/connection refused|no such host|network is unreachable|no route to host|i\/o timeout/i, 'it cannot be reached'],
  [/timeout awaiting response|Client\.Timeout|context deadline exceeded/i, 'it does not answer'],
  [/no space left on device|disk quota exceeded|InsufficientStorage|StorageFull|QuotaExceeded/i, 'its disk is full'],
  // Of a directory, by rclone before it writes.
  [/too big for remaining disk space/, 'its disk is full'],
  [/permission denied/i, 'its files cannot be read or written by this user'],
  [/not a directory/i, 'it is a file, or lies below one'],
  [/read-only file system/i, 'its disk can only be read'],
  [/stale (?:NFS )?file handle|input\/output error|transport endpoint is not connected/i, 'its disk or share is gone'],
  [/repository is already locked/i, 'another backup is under way there'],
]

/** A target where nothing was ever stored (restic, `cat config`). */
function isAbsent(said: string): boolean {
  return said.includes('unable to open config file') && /no such file|does not exist/i.test(said)
}

/** The failure that the words of restic or rclone stand for. */
export function explainRestic(said: string, repository: string): PaasError {
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && line !== repository && !chatter.test(line))
  const known = causes.find(([pattern]) => pattern.test(said))
  if (known) return targetRefusal(repository, known[1])
  if (isAbsent(said)) return new PaasError('backup_missing', `There are no backups at ${repository}.`)
  const reason = lines.at(-1)?.replace(/^Fatal: /, '') ?? 'it gave no reason'
  return new PaasError('backup_failed', `The backup at ${repository} failed: ${reason.replace(/\.$/, '')}.`)
}

export function targetRefusal(repository: string, why: string): PaasError {
  return new PaasError('backup_target_refused', `The backup target ${repository} cannot be used: ${why}.`)
}

/** @param noted the file that says that there was something */
export function lostTarget(repository: string, noted: string): PaasError {
  return new PaasError(
    'backup_target_refused',
    `The backup target ${repository} cannot be used: what was stored there is gone.`,
    { hint: `Its disk or share may not be mounted. To begin anew there, remove ${noted}` },
  )
}

export function missingProgram(cause: unknown): PaasError {
  if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') {
    return new PaasError('backup_failed', `restic could not be started: ${(cause as Error).message}`, { cause })
  }
  const hint = 'Run bin/setup with PAAS_BACKUP_TARGET set, or: apt-get install restic'
  return new PaasError('backup_failed', 'The program restic is not installed.', { hint })
}
