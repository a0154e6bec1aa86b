import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { debianKeyring } from '../build/stack/rootfs.ts'

const run = promisify(execFile)

/**
 * A program or a file, and the Debian package that has it: of several, the first that the
 * distribution knows.
 */
export type Requirement = { packages: string[] } & ({ command: string; leastVersion?: string } | { file: string })

export type Needs = {
  embeddedRedis: boolean
  /** The engine is this machine's own, and none answers there yet. */
  installEngine: boolean
  /** The engine is this machine's own, so that its firewall keeps apps apart. */
  localEngine: boolean
  /** A backup target is set. */
  backups: boolean
  tests: boolean
}

export function requirements({ embeddedRedis, installEngine, localEngine, backups, tests }: Needs): Requirement[] {
  return [
    // The hook proc-receive came with 2.29.
    { command: 'git', packages: ['git'], leastVersion: '2.29' },
    { command: 'flock', packages: ['util-linux'] },
    { command: 'setpriv', packages: ['util-linux'] },
    { command: 'mmdebstrap', packages: ['mmdebstrap'] },
    { command: 'restic', packages: ['restic'] },
    { file: debianKeyring, packages: ['debian-archive-keyring'] },
    ...(embeddedRedis ? [{ command: 'redis-server', packages: ['redis-server'] }] : []),
    ...(localEngine ? [{ command: 'iptables', packages: ['iptables'] }] : []),
    ...(installEngine ? [{ command: 'dockerd', packages: ['docker.io'] }] : []),
    ...(backups || tests ? [{ command: 'rclone', packages: ['rclone'] }] : []),
    ...(tests ? forTests : []),
  ]
}

const forTests: Requirement[] = [
  { command: 'docker', packages: ['docker-cli', 'docker.io'] },
  { command: 'docker-compose', packages: ['docker-compose'] },
  { command: 'ip', packages: ['iproute2'] },
  { command: 'shellcheck', packages: ['shellcheck'] },
  { command: 'zsh', packages: ['zsh'] },
  { command: 'fish', packages: ['fish'] },
  { command: 'chromium', packages: ['chromium'] },
]

/** Those that are not in `path`, or too old. */
export async function missing(wanted: Requirement[], path: string): Promise<Requirement[]> {
  const checks = wanted.map(async (requirement) => ((await satisfied(requirement, path)) ? [] : [requirement]))
  return (await Promise.all(checks)).flat()
}

async function satisfied(requirement: Requirement, path: string): Promise<boolean> {
  if ('file' in requirement) return existsSync(requirement.file)
  const { command, leastVersion } = requirement
  if (!(await findCommand(command, path))) return false
  if (leastVersion === undefined) return true
  const { stdout } = await run(command, ['--version'])
  return !isOlder(/\d+(\.\d+)+/.exec(stdout)?.[0] ?? '0', leastVersion)
}

/**
 * The path of a command. The administrator's directories are searched too: only root has them in
 * PATH.
 */
export async function findCommand(command: string, path: string): Promise<string | undefined> {
  for (const directory of [...path.split(delimiter), '/usr/sbin', '/sbin']) {
    const file = join(directory, command)
    if (await isExecutable(file)) return file
  }
  return undefined
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return true
  } catch {
    return false // absent, or not executable for us: that is the answer
  }
}

/** Compares versions by their numbers: 2.9 is older than 2.29. */
export function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) < 0
}
