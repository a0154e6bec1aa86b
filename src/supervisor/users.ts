import { readFileSync } from 'node:fs'

/** The user of a process of the server. `groups` are its supplementary groups. */
export type User = { uid: number; gid: number; groups: number[] }

/**
 * `router` reads requests of strangers, `api` keeps the database, which `worker` shares, and `gate`
 * has the engine's socket.
 */
export type Users = Record<Role, User>
type Role = 'router' | 'api' | 'worker' | 'gate'

/**
 * For machines without users of these names, such as most containers. Nothing else allocates
 * numbers from this range (systemd's table of uids, https://systemd.io/UIDS-GIDS).
 */
const unused: Record<Role, number> = { router: 60_701, api: 60_702, worker: 60_703, gate: 60_704 }

/**
 * The users `paas-router`, `paas-api`, `paas-worker` and `paas-gate` of /etc/passwd, else numbers
 * that nobody has. The worker shares the api's files and both share the router's logs, by group.
 * @returns undefined where this process cannot become another user: then all run as its own
 */
export function findUsers(passwd = readPasswd()): Users | undefined {
  if (process.getuid?.() !== 0) return undefined
  const [router, api, worker, gate] = (['router', 'api', 'worker', 'gate'] as const).map((role) => idsOf(role, passwd))
  if (!router || !api || !worker || !gate) return undefined
  return {
    router: { ...router, groups: [] },
    api: { ...api, groups: [router.gid] },
    worker: { ...worker, groups: [api.gid, router.gid] },
    gate: { ...gate, groups: [] },
  }
}

function idsOf(role: Role, passwd: string): { uid: number; gid: number } {
  const entries = passwd.split('\n').map((line) => line.split(':'))
  const found = entries.find(([name]) => name === `paas-${role}`)
  return found ? { uid: Number(found[2]), gid: Number(found[3]) } : { uid: unused[role], gid: unused[role] }
}

function readPasswd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8')
  } catch {
    return '' // a container image may have no such file
  }
}
