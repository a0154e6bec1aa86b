import { readFile } from 'node:fs/promises'

/** What we read of a container's description. */
export type HasLayer = { Id: string; GraphDriver?: { Data?: { UpperDir?: string } | null } }

/**
 * The directory of what a container has written to its own files, where the engine's
 * directories are on this machine. The storage driver says it; with containerd's image store
 * nothing does but the overlay that the engine mounted, at a place named after the container,
 * while that runs. The mounts are those of this process: what a container calls its own root it
 * may have mounted itself.
 */
export async function writableLayer({ Id, GraphDriver }: HasLayer): Promise<string | undefined> {
  if (GraphDriver?.Data) return GraphDriver.Data.UpperDir
  return upperDirectory(await readFile('/proc/self/mountinfo', 'utf8').catch(() => ''), Id)
}

/**
 * @param mounts as in proc_pid_mountinfo(5): the fifth word is the place, the last one has the
 * options
 */
export function upperDirectory(mounts: string, id: string): string | undefined {
  const mount = mounts
    .split('\n')
    .find((line) => line.split(' ')[4]?.endsWith(`/${id}`) && line.includes(' - overlay '))
  const path = /[ ,]upperdir=([^ ,]+)/.exec(mount ?? '')?.[1]
  return path?.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
