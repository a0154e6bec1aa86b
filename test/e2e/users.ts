import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Lines of /proc/PID/status by their names (proc_pid_status(5)). */
export function statusOf(pid: number): Record<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n')
  return Object.fromEntries(lines.map((line) => line.split(':\t', 2).map((part) => part.trim())))
}

/**
 * What somebody who has taken over the process can open: tried as its user, in its groups, without capabilities, where it is.
 * Gives `yes` or the reason of each path; a directory is listed, a socket connected to.
 */
export function opens(pid: number, paths: string[]): Record<string, string> {
  const [program = '', ...argv] = [...takenOver(pid), process.execPath, '--eval', attempt, ...paths]
  return JSON.parse(execFileSync(program, argv, { encoding: 'utf8' })) as Record<string, string>
}

/** What a program that somebody like this runs there says, with what it says of errors, and its exit status. */
export function runs(pid: number, argv: string[]): { status: number | null; said: string } {
  const [program = '', ...rest] = [...takenOver(pid), ...argv]
  const { status, stdout, stderr } = spawnSync(program, rest, {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  })
  return { status, said: stdout + stderr }
}

function takenOver(pid: number): string[] {
  const { Uid = '', Gid = '', Groups = '' } = statusOf(pid)
  const [uid, gid] = [Uid, Gid].map((ids) => ids.split('\t')[0])
  const groups = Groups === '' ? '--clear-groups' : `--groups=${Groups.split(' ').join(',')}`
  const user = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, groups, '--inh-caps=-all', '--bounding-set=-all']
  return ['nsenter', '--target', String(pid), '--mount', ...user]
}

const attempt = `
const fs = require('node:fs'), net = require('node:net')
const connect = (path) => new Promise((yes, no) => net.connect(path, yes).on('error', no))
async function open(path) {
  const kind = fs.statSync(path)
  if (kind.isSocket()) return connect(path)
  if (kind.isDirectory()) fs.readdirSync(path)
  else fs.closeSync(fs.openSync(path, 'r'))
}
const tried = process.argv.slice(1).map(async (path) => [path, await open(path).then(() => 'yes', ({ code }) => code)])
Promise.all(tried).then((all) => (console.log(JSON.stringify(Object.fromEntries(all))), process.exit()))
`
