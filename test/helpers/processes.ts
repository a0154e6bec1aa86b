import { readdirSync, readFileSync } from 'node:fs'

/** The pid of a server's role (`api`, `worker`, `router`, `redis`), found among the supervisor's children. */
export function rolePid(supervisor: number, role: string): number {
  const program = role === 'redis' ? /redis-server/ : new RegExp(`/${role}\\.[jt]s`)
  const pid = childrenOf(supervisor).find((child) => program.test(commandLine(child)))
  if (pid === undefined) throw new Error(`the supervisor ${supervisor} has no child for the role ${role}`)
  return pid
}

export function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent)
}

/** Empty when the process ended meanwhile. */
export function commandLine(pid: number): string {
  return readProc(pid, 'cmdline').replaceAll('\0', ' ')
}

function parentOf(pid: number): number | undefined {
  const stat = readProc(pid, 'stat')
  return stat === '' ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch (cause) {
    if (['ENOENT', 'ESRCH'].includes((cause as NodeJS.ErrnoException).code ?? '')) return ''
    throw cause
  }
}
