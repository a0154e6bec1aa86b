import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A profile as the engine takes it: the first rule that fits decides, what fits none is refused
 * (seccomp(2)).
 */
type Rule = {
  names: string[]
  action: string
  args?: { index: number; value: number; op: string }[]
  [key: string]: unknown
}
type Profile = { archMap: { architecture: string; subArchitectures: string[] | null }[]; syscalls: Rule[] } & Record<
  string,
  unknown
>

/**
 * Families of sockets that apps have a use for (socket(2)): AF_UNIX, AF_INET, AF_NETLINK, AF_INET6.
 */
const families = { unix: 1, inet: 2, netlink: 16, inet6: 10 }

/** What Docker allows a container and no app needs: code of 16 bits. */
const refused = ['modify_ldt']

/** Allowed by socket family, see below. */
const makesSockets = ['socket', 'socketpair']

/**
 * The system call filter of every container, as `seccomp=` takes it: Docker's own of the version in
 * `seccomp/`, whatever the engine's is, without what no app needs. Of sockets only the four usual
 * families remain: no AF_VSOCK, which leads to what runs the machine, no AF_ALG, no AF_PACKET.
 * Programs of 32 bits end at once: they make sockets by `socketcall`, whose family no filter sees.
 */
export const seccompProfile: string = JSON.stringify(narrowed(dockersOwn()))

/**
 * What a builder does as root of a user namespace, where the kernel asks for capabilities in that
 * namespace (user_namespaces(7)).
 */
const ofNamespaces = ['chroot', 'clone', 'mount', 'pivot_root', 'setns', 'umount', 'umount2', 'unshare']

/** Calls that wait until written data is on the disk. */
const syncing = ['fdatasync', 'fsync', 'sync', 'sync_file_range', 'syncfs']

/** The same for a container in which a rootless builder works. */
export const builderSeccompProfile: string = JSON.stringify(widened(narrowed(dockersOwn())))

/**
 * Likewise; but these calls succeed at once. For what is worth nothing after the machine went down:
 * package managers wait at every file.
 */
export const hastyBuilderSeccompProfile: string = JSON.stringify(withoutSync(widened(narrowed(dockersOwn()))))

function widened({ syscalls, ...profile }: Profile): Profile {
  return { ...profile, syscalls: [{ names: ofNamespaces, action: 'SCMP_ACT_ALLOW' }, ...syscalls] }
}

function withoutSync({ syscalls, ...profile }: Profile): Profile {
  const others = syscalls.map((rule) => ({ ...rule, names: rule.names.filter((name) => !syncing.includes(name)) }))
  const done = { names: syncing, action: 'SCMP_ACT_ERRNO', errnoRet: 0 }
  return { ...profile, syscalls: [...others.filter(({ names }) => names.length > 0), done] }
}

function dockersOwn(): Profile {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'seccomp/default.json'), 'utf8')) as Profile
}

function narrowed({ archMap, syscalls, ...profile }: Profile): Profile {
  const gone = new Set([...refused, ...makesSockets])
  const rules = syscalls.map((rule) => ({ ...rule, names: rule.names.filter((name) => !gone.has(name)) }))
  const sockets = Object.values(families).map((family) => allowOf('socket', family))
  return {
    ...profile,
    archMap: archMap.map(({ architecture }) => ({ architecture, subArchitectures: [] })),
    syscalls: [...rules.filter(({ names }) => names.length > 0), ...sockets, allowOf('socketpair', families.unix)],
  }
}

/** Each family has a rule of its own: comparisons within one would all have to fit. */
function allowOf(name: string, family: number): Rule {
  return { names: [name], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: family, op: 'SCMP_CMP_EQ' }] }
}
