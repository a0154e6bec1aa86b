import { spawnSync } from 'node:child_process'
import { chmodSync, lstatSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { asUser, type Capability, type Way } from './as-user.ts'
import { giveTarget } from './backup-target.ts'
import { giveToUsers, markOf } from './owners.ts'
import { sayNote } from './terminal.ts'
import { findUsers, type User, type Users } from './users.ts'
import { findWay } from './way.ts'

/**
 * The beginning of each process's argv; empty where it runs as the user that started the server.
 */
export type Prefixes = Record<'router' | 'redis' | 'worker' | 'api', string[]> & {
  /** Absent: there is no gate, and the worker calls the engine itself. */
  gate?: string[]
}

export const none: Prefixes = { router: [], redis: [], worker: [], api: [] }

type Separated = Pick<Config, 'dataDirectory' | 'paths' | 'docker' | 'separateUsers' | 'backup'>

/** For the firewall and for disk usage, with their bit numbers (capability.h). */
const usual: Record<Capability, number> = { net_admin: 12, net_raw: 13, dac_read_search: 2, sys_ptrace: 19 }

/**
 * Gives router, api, worker and gate a user each (Redis runs as the api's), and makes them the
 * owners of their files in the data directory. Where that is impossible all run as root, and the
 * terminal says why. The caller holds the directory's lock, and none of them runs but a router.
 */
export function separateRoles(config: Separated, compiled: string | undefined): Prefixes {
  const users = config.separateUsers ? findUsers() : undefined
  const prefixes = users && prefixesOf(config, users, compiled)
  if (prefixes) return prefixes
  rmSync(markOf(config), { force: true }) // from here on new files belong to root
  return none
}

function prefixesOf(config: Separated, users: Users, compiled: string | undefined): Prefixes | undefined {
  giveToUsers(config, users)
  giveTarget(config, users)
  const way = findWay(config.dataDirectory)
  const router = asUser(users.router, way)
  const api = asUser(users.api, way)
  const obstacle = obstacleTo(api, config)
  if (obstacle !== undefined) {
    const closed = way.closed.length > 0 ? `${way.closed.join(', ')} is closed to other users` : 'they cannot be used'
    sayNote(
      'users',
      `the roles run as root: ${closed} (${obstacle}). Move the server and its data, to /srv for example.`,
    )
    return undefined
  }
  process.umask(0o007) // the group may work on what each role makes
  shareCompiled(compiled, users)
  return { router, api, redis: api, ...withGate(users, way, config) }
}

/** Why that user cannot run this code on that data. */
function obstacleTo(prefix: string[], { paths }: Separated): string | undefined {
  const look = 'test -r "$1" && test -r "$2" && test -x "$3" && test -w "$4" || { echo "no access" >&2; exit 1; }'
  const [program, ...argv] = [
    ...prefix,
    'sh',
    '-c',
    look,
    'sh',
    import.meta.filename,
    process.argv[1] ?? '', // the bundle, where that is what runs
    process.execPath,
    paths.repositories,
  ]
  const { status, stderr, error } = spawnSync(program, argv, { encoding: 'utf8' })
  return status === 0 ? undefined : (error?.message ?? stderr.trim().split('\n').at(-1) ?? `exit ${status}`)
}

/** An engine over the network has no socket to guard: the worker calls it directly. */
function withGate({ worker, gate }: Users, way: Way, { docker }: Separated): Pick<Prefixes, 'worker' | 'gate'> {
  if (docker.kind !== 'socket') return { worker: asUser(worker, way, heldCapabilities()) }
  return { worker: asUser(worker, way), gate: prefixOfGate(gate, way, docker) }
}

/**
 * The gate joins the group of the engine's socket, which is root's where no such group was made. It
 * stays root where the group does not open the socket.
 */
function prefixOfGate(user: User, way: Way, docker: { path: string }): string[] {
  const capabilities = heldCapabilities()
  const socket = statSync(docker.path, { throwIfNoEntry: false })
  const prefix = asUser({ ...user, groups: [...user.groups, socket?.gid ?? dockerGroup()] }, way, capabilities)
  if (!socket || canRun([...prefix, 'test', '-w', docker.path])) return prefix
  sayNote('users', `the gate runs as root: ${docker.path} is closed to its group.`)
  return []
}

/** In a container, root may lack some of them. */
function heldCapabilities(): Capability[] {
  const held = BigInt(`0x${/^CapPrm:\s*(\w+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0}`)
  return (Object.keys(usual) as Capability[]).filter((name) => (held >> BigInt(usual[name])) & 1n)
}

function canRun([program = '', ...argv]: string[]): boolean {
  return spawnSync(program, argv).status === 0
}

/** For when no engine runs. */
function dockerGroup(): number {
  return Number(/^docker:[^:]*:(\d+):/m.exec(readFileSync('/etc/group', 'utf8'))?.[1] ?? 0)
}

/**
 * Node's compile cache is private to each user, though its content is the same. Without it a start
 * takes longer and each process more memory.
 */
function shareCompiled(directory: string | undefined, users: Users): void {
  if (directory === undefined) return
  try {
    for (const name of readdirSync(directory).filter((one) => one.endsWith('-0'))) {
      for (const file of readdirSync(join(directory, name))) chmodSync(join(directory, name, file), 0o644)
      for (const { uid } of Object.values(users)) link(name, join(directory, `${name.slice(0, -2)}-${uid}`))
    }
  } catch {
    return // no such directory, or one that cannot be written to
  }
}

function link(target: string, path: string): void {
  if (!lstatSync(path, { throwIfNoEntry: false })) symlinkSync(target, path)
}
