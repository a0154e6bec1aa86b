import { join } from 'node:path'
import type { User } from './users.ts'

/** Directories above what a user needs that are closed to it, and what is opened below them. */
export type Way = { closed: string[]; open: string[] }

export type Capability = 'net_admin' | 'net_raw' | 'dac_read_search' | 'sys_ptrace'

const script = join(import.meta.dirname, 'open-way.sh')

/**
 * The beginning of an argv that runs the rest as this user: only in the user's groups, with only
 * the given capabilities, and without a way to gain others (setpriv(1)). Each program of the chain
 * becomes the next (exec), so signals and descriptors reach the command unchanged.
 */
export function asUser({ uid, gid, groups }: User, way: Way, capabilities: Capability[] = []): string[] {
  const kept = ['-all', ...capabilities.map((name) => `+${name}`)].join(',')
  const membership = groups.length > 0 ? `--groups=${groups.join(',')}` : '--clear-groups'
  return [
    ...openWay(way),
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    membership,
    '--no-new-privs',
    `--inh-caps=${kept}`,
    `--ambient-caps=${kept}`,
    `--bounding-set=${kept}`,
  ]
}

/**
 * In a mount namespace of its own, as with ProtectHome=tmpfs and BindPaths= of systemd.exec(5):
 * nobody else sees what is mounted there.
 */
function openWay({ closed, open }: Way): string[] {
  if (closed.length === 0) return []
  return ['unshare', '--mount', '--propagation=slave', 'sh', script, closed.join('\n'), ...open, '--']
}
