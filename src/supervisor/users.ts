import { readFileSync } from 'node:fs'

/** Whom a process of the server runs as. `groups` are those beside its own. */
export type User = { uid: number; gid: number; groups: number[] }

/**
 * `router` reads what strangers send first, `api` keeps the record, `worker` shares that with it,
 * `gate` has the engine.
 */
export type Users = Record<Role, User>
type Role = 'router' | 'api' | 'worker' | 'gate'

/**
 * Where a machine has no users of these names, as most containers have not. Nothing else takes
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
    return '' // an image may have none
  }
}
