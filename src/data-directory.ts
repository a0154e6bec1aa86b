import { randomBytes } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.ts'
import { asDiskError, PaasError } from './errors.ts'

/** The layout this code writes. It opens every older one and refuses newer ones. */
const currentFormat = 1

type DataDirectory = Pick<Config, 'dataDirectory' | 'paths'>
/**
 * `directory` is where the id was taken; a copy of the directory has the id too, but is another
 * one. `ancestors` are the ids of the servers that it is a copy of.
 */
type Identity = { format: number; serverId: string; directory?: string; ancestors?: string[] }

/**
 * Makes the data directory, or checks that it is one of ours, and gives the id this server has for
 * good: 12 hex digits that label all it makes on the engine. Several processes may call it at once.
 * @throws data_directory_foreign, data_directory_newer, data_directory_unusable, disk_full
 */
export function openDataDirectory(config: DataDirectory): { serverId: string } {
  try {
    makeDirectory(config.dataDirectory)
    // A complete one needs no writes, so a read-only disk would be noticed only later and
    // elsewhere.
    accessSync(config.dataDirectory, constants.R_OK | constants.W_OK | constants.X_OK)
    const { format, serverId } = readIdentity(config) ?? createIdentity(config)
    if (format > currentFormat) throw newer(config.dataDirectory, format)
    makeSubdirectories(config.paths)
    return { serverId }
  } catch (cause) {
    throw explain(cause, config.dataDirectory)
  }
}

/**
 * Returns a copy of a server's data directory an id of its own, and removes what leads to the
 * original's dynos and jobs. A directory that took its id itself keeps it, so that a copy may be
 * told twice. The caller holds the directory's lock.
 * @returns whether the id is a new one
 */
export function becomeCopy(config: DataDirectory): boolean {
  const { dataDirectory, paths } = config
  try {
    const original = readIdentity(config)
    if (original?.directory === directoryKey(dataDirectory)) return false
    const ancestors = original ? [original.serverId, ...(original.ancestors ?? [])] : []
    for (const place of [paths.router, ...oldTable(config)]) rmSync(place, { recursive: true, force: true })
    rmSync(paths.redis, { recursive: true, force: true })
    makeSubdirectories(paths)
    renameSync(draftIdentity(config, { ...newIdentity(dataDirectory), ancestors }), paths.format)
    return true
  } catch (cause) {
    throw explain(cause, dataDirectory)
  }
}

/**
 * What tells a directory from its copies and stays when it is moved on its disk: device and inode.
 */
export function directoryKey(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true })
  return `${dev}:${ino}`
}

/**
 * The id, for a role whose supervisor has opened the directory. @returns undefined when there is
 * none yet
 */
export function findServerId({ dataDirectory, paths }: DataDirectory): string | undefined {
  const identity = existsSync(paths.format) ? parse(readFileSync(paths.format, 'utf8')) : undefined
  if (!isIdentity(identity)) return undefined
  if (identity.format > currentFormat) throw newer(dataDirectory, identity.format)
  return identity.serverId
}

/** Ids of the servers whose images this one's releases may have, since it is a copy of theirs. */
export function findAncestors({ paths }: Pick<Config, 'paths'>): string[] {
  const { ancestors = [] } = (parse(readFileSync(paths.format, 'utf8')) ?? {}) as Partial<Identity>
  return ancestors
}

/** Where older versions have what is in `paths.router` now. */
export function oldTable({ dataDirectory }: Pick<Config, 'dataDirectory'>): [table: string, key: string] {
  return [join(dataDirectory, 'routes.json'), join(dataDirectory, 'routes-key')]
}

function makeDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  if ((statSync(path).mode & 0o077) !== 0 && readdirSync(path).length === 0) chmodSync(path, 0o700)
}

function readIdentity({ dataDirectory, paths }: DataDirectory): Identity | undefined {
  const names = readdirSync(dataDirectory).filter((name) => !isDraft(name) && name !== 'lost+found')
  if (names.length === 0) return undefined
  const content = names.includes('paas.json') ? parse(readFileSync(paths.format, 'utf8')) : undefined
  if (isIdentity(content)) return content
  throw new PaasError(
    'data_directory_foreign',
    `${dataDirectory} is not empty and has no paas.json of a paas server (found: ${names.slice(0, 5).join(', ')}).`,
  )
}

/**
 * Written whole, then linked to its name: of several processes at once one wins, and all read the
 * same.
 */
function createIdentity(config: DataDirectory): Identity {
  const identity = newIdentity(config.dataDirectory)
  const draft = draftIdentity(config, identity)
  try {
    linkSync(draft, config.paths.format)
    return identity
  } catch (cause) {
    const winner = errorCode(cause) === 'EEXIST' ? readIdentity(config) : undefined
    if (winner) return winner
    throw cause
  } finally {
    rmSync(draft)
  }
}

function newIdentity(dataDirectory: string): Identity {
  const serverId = randomBytes(6).toString('hex')
  return { format: currentFormat, serverId, directory: directoryKey(dataDirectory) }
}

function draftIdentity({ dataDirectory }: DataDirectory, identity: Identity): string {
  const draft = join(dataDirectory, `.paas.json.${process.pid}`)
  writeFileSync(draft, `${JSON.stringify(identity)}\n`, { mode: 0o644, flag: 'wx', flush: true })
  return draft
}

const isDraft = (name: string): boolean => name.startsWith('.paas.json.')

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not JSON; the caller reports that the file is not ours
  }
}

function isIdentity(value: unknown): value is Identity {
  const { format, serverId } = (value ?? {}) as Partial<Identity>
  return Number.isInteger(format) && /^[0-9a-f]{12}$/.test(String(serverId))
}

function makeSubdirectories(paths: Config['paths']): void {
  for (const path of [
    paths.run,
    ...Object.values(paths.runs),
    paths.router,
    paths.tls,
    paths.redis,
    paths.repositories,
    paths.builds,
    paths.logs,
    paths.metrics,
    paths.dumps,
    paths.sources,
    paths.pages,
  ]) {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  }
}

function newer(directory: string, format: number): PaasError {
  return new PaasError(
    'data_directory_newer',
    `${directory} has format ${format}; this version of paas knows formats up to ${currentFormat}.`,
  )
}

/** errno(3), as far as it is about the directory and not about its disk. */
const reasons: Record<string, string> = {
  EACCES: 'belongs to another user, and this user may not use it',
  EPERM: 'belongs to another user, and this user may not use it',
  EEXIST: 'is not a directory',
  ENOTDIR: 'has a parent that is not a directory',
}

function explain(cause: unknown, directory: string): unknown {
  const code = errorCode(cause) ?? ''
  const reason = reasons[code]
  if (reason === undefined) return asDiskError(cause, `The disk of ${directory}`) ?? cause
  const where = (cause as NodeJS.ErrnoException).path ?? directory
  return new PaasError('data_directory_unusable', `${directory} cannot be used: ${where} ${reason}.`, { cause })
}

function errorCode(thrown: unknown): string | undefined {
  return thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined
}
