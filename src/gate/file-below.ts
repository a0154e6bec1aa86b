import { constants, open, type FileHandle } from 'node:fs/promises'
import { isCode } from '../errors.ts'

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants

/**
 * Opens a file below a directory in which strangers write: no link is followed, whenever one is put
 * there, since each name is looked up in a directory that is open already (proc_pid_fd(5)).
 * @param path names with `/` between them
 * @returns undefined: there is no such file, or this process cannot read there
 */
export async function openBelow(directory: string, path: string): Promise<FileHandle | undefined> {
  const names = path.split('/')
  const name = names.pop() ?? ''
  if ([...names, name].some((each) => ['', '.', '..'].includes(each))) return undefined
  try {
    let at = await open(directory, O_RDONLY | O_DIRECTORY)
    try {
      for (const each of names) {
        const below = await open(within(at, each), O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        await at.close()
        at = below
      }
      // A pipe is not waited for.
      return await onlyFile(await open(within(at, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK))
    } finally {
      await at.close()
    }
  } catch (error) {
    if (isCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENXIO')) return undefined
    throw error
  }
}

function within({ fd }: FileHandle, name: string): string {
  return `/proc/self/fd/${fd}/${name}`
}

async function onlyFile(opened: FileHandle): Promise<FileHandle | undefined> {
  if ((await opened.stat()).isFile()) return opened
  await opened.close()
  return undefined
}
