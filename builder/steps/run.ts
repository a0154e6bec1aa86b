import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inRoot, makeDirectory, ownerOf, statOf, superuser } from './paths.ts'
import type { CacheMount, Step } from './stages.ts'

type Run = Extract<Step, { kind: 'run' }>

/** What a step sees of the container in place of the image's. */
const seen = { directories: ['/dev', '/proc', '/sys'], files: ['/etc/hosts', '/etc/resolv.conf', '/etc/hostname'] }

type Place = {
  root: string
  /** Where cache mounts lie. */
  mounts: string
  /** The program that enters a root file system. */
  enter: string
}

/** A directory that is mounted for a step, and what had to be made for it. */
type Mount = { directory: string; target: string; made: string[]; isLocked: boolean }

/** Runs a command in a root file system. @throws with its exit status */
export async function run(step: Run, { root, mounts, enter }: Place): Promise<void> {
  const { uid, groups, home = '/' } = ownerOf(root, step.user)
  makeDirectory(root, step.workingDirectory, superuser)
  for (const path of [...seen.directories, '/etc']) makeDirectory(root, path, superuser)
  const missing = seen.files.map((path) => join(root, path)).filter((path) => !statOf(path))
  for (const path of missing) writeFileSync(path, '')
  const files = seen.files.filter((path) => statOf(join(root, path))?.isFile())
  const caches = step.mounts.map((mount) => prepare(mount, root, mounts))
  const binds = [...files.map((path) => `${path}:${path}`), ...caches.map((one) => `${one.directory}:${one.target}`)]
  const place = [process.arch, root, step.workingDirectory, String(uid), groups.join(',')]
  const locks = caches.filter(({ isLocked }) => isLocked).flatMap(({ directory }) => ['flock', `${directory}.lock`])
  const [program = enter, ...argv] = [...locks, enter, ...place, ...binds, '--', ...step.argv]
  const env = { HOME: home, ...step.env }
  const child = spawn(program, argv, { env, stdio: ['ignore', 'inherit', 1] })
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  for (const path of missing) rmSync(path, { force: true })
  for (const path of caches.flatMap(({ made }) => made.toReversed())) removeEmpty(path)
  if (code !== 0) throw new Error(`exit status ${code ?? (signal === 'SIGKILL' ? 137 : 128)}`)
}

function prepare({ id, target, isLocked }: CacheMount, root: string, mounts: string): Mount {
  const directory = join(mounts, createHash('sha256').update(id).digest('hex').slice(0, 16))
  mkdirSync(directory, { recursive: true })
  const made = makeDirectory(root, target, superuser)
  return { directory, target: inRoot(root, target).slice(root.length), made, isLocked }
}

function removeEmpty(path: string): void {
  try {
    rmdirSync(path)
  } catch {
    // The step has put something there.
  }
}
