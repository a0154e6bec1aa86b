import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { opendir, readFile, stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { withStreams } from '../../child-streams.ts'
import { isVolumeName } from './names.ts'
import { writableLayer, type HasLayer } from './writable-layer.ts'

/** Usage of the disk: bytes in allocated blocks; number of files, directories and links. */
export type DiskUsage = { bytes: number; files: number }

/** find(1) counts blocks of this size, whatever the file system's is. */
const blockBytes = 512
const path = '/usr/bin:/bin'

export type Written = Docker.ContainerInspectInfo & HasLayer & { SizeRw?: number }

/**
 * What a container has written to the disk, wherever it may: its own layer, its volumes, and files
 * that it removed and holds open. A look ends once it has found more than `most`, however much more
 * there is.
 *
 * It walks the files, for which the engine's directory has to be on this machine. Elsewhere the
 * engine says how many bytes the layer has, and nothing is known of the rest.
 * @param inspect asks the engine of the container
 * @returns undefined for a container that is gone
 */
export async function diskUsage(
  inspect: (query?: { size: true }) => Promise<Written | undefined>,
  most: DiskUsage,
  signal?: AbortSignal,
): Promise<DiskUsage | undefined> {
  const found = await inspect()
  if (!found) return undefined
  const layer = await writableLayer(found)
  if (layer === undefined || !(await isReadable(layer))) return layerBytes(await inspect({ size: true }))
  const volumes = found.Mounts.filter(isItsOwn).map(({ Source }) => Source)
  const sum = new Sum(most)
  await sum.add(['-P', layer, ...volumes, '-xdev', '-type', 'd', '-printf', '%b 1\n', '-o', ...printed('%n')], signal)
  if (!sum.isOver) await addRemoved(sum, found, volumes, signal)
  return { bytes: sum.bytes, files: sum.files }
}

/**
 * Bytes in a volume.
 * @param inspect asks the engine of the volume
 * @returns 0 for one that is not there; undefined where the engine's directory is not on this
 *   machine
 */
export async function volumeBytes(
  inspect: () => Promise<{ Mountpoint: string } | undefined>,
): Promise<number | undefined> {
  const directory = (await inspect())?.Mountpoint
  if (directory === undefined) return 0
  if (!(await isReadable(directory))) return undefined
  const sum = new Sum({ bytes: Infinity, files: Infinity })
  await sum.add(['-P', directory, '-xdev', '-type', 'd', '-printf', '%b 1\\n', '-o', ...printed('%n')])
  return sum.bytes
}

/** Volumes of an app have a limit of their own. */
function isItsOwn({ Type, RW, Name = '' }: Docker.ContainerInspectInfo['Mounts'][number]): boolean {
  return Type === 'volume' && RW && !isVolumeName(Name)
}

function layerBytes(info: Written | undefined): DiskUsage | undefined {
  return info && { bytes: info.SizeRw ?? 0, files: 0 }
}

/**
 * Files without a name that its processes still have open, but for those in memory, which counts
 * what they take.
 */
async function addRemoved(sum: Sum, { Id, State }: Written, volumes: string[], signal?: AbortSignal): Promise<void> {
  const processes = await processesOf(Id, State.Pid)
  if (processes.length === 0) return
  const places = [`/proc/${State.Pid}/root/`, ...volumes]
  const devices = await Promise.all(places.map((place) => deviceOf(place)))
  const descriptors = processes.map((pid) => `/proc/${pid}/fd`)
  const isRemoved = ['-maxdepth', '1', '-type', 'f', '-links', '0']
  await sum.add(['-L', ...descriptors, ...isRemoved, ...printed('2')], signal, new Set(devices))
}

/**
 * All processes of a container: those of the control group of its first one, under either version
 * (cgroups(7)), which has its id in its name.
 */
async function processesOf(id: string, pid: number): Promise<string[]> {
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')
  const own = [...groups.matchAll(/^\d+:(|pids):(.+)$/gm)].filter(([line]) => line.includes(id))
  const places = own.map(([, controller = '', group = '']) =>
    readFile(`/sys/fs/cgroup/${controller}${group}/cgroup.procs`, 'utf8').catch(() => ''),
  )
  return [...new Set((await Promise.all(places)).flatMap((list) => list.split('\n')))].filter((one) => one !== '')
}

function printed(links: string): string[] {
  return ['-printf', `%b ${links} %D:%i\\n`]
}

class Sum {
  readonly #most: DiskUsage
  readonly #linked = new Set<string>()
  bytes = 0
  files = 0

  constructor(most: DiskUsage) {
    this.#most = most
  }

  get isOver(): boolean {
    return this.bytes > this.#most.bytes || this.files > this.#most.files
  }

  /**
   * @param argv of find(1), which prints lines of blocks, links and `device:inode`
   * @param devices where given, on which alone files count
   */
  async add(argv: string[], signal?: AbortSignal, devices?: Set<string>): Promise<void> {
    const child = withStreams(spawn('find', argv, { stdio: ['ignore', 'pipe', 'ignore'], env: { PATH: path } }))
    const stop = () => child.kill('SIGKILL')
    signal?.addEventListener('abort', stop)
    const ended = once(child, 'close').catch(() => undefined)
    try {
      for await (const lines of linesOf(child.stdout)) {
        for (const line of lines) this.#count(line, devices)
        if (this.isOver) break
      }
    } finally {
      stop()
      await ended
      signal?.removeEventListener('abort', stop)
    }
  }

  /** A file of several names is one file. */
  #count(line: string, devices?: Set<string>): void {
    const [blocks = '', links, inode = ''] = line.split(' ')
    if (devices && !devices.has(inode.slice(0, inode.indexOf(':')))) return
    if (links !== '1') {
      if (this.#linked.has(inode)) return
      this.#linked.add(inode)
    }
    this.bytes += Number(blocks) * blockBytes
    this.files++
  }
}

/** The whole lines of each piece of output. */
async function* linesOf(output: Readable): AsyncGenerator<string[]> {
  let rest = ''
  for await (const chunk of output.setEncoding('latin1') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield lines
  }
}

async function deviceOf(path: string): Promise<string> {
  return String((await stat(path).catch(() => undefined))?.dev)
}

/** Opens it: access(2) checks only the user, and this process may read by a capability. */
async function isReadable(path: string): Promise<boolean> {
  const directory = await opendir(path).catch(() => undefined)
  await directory?.close()
  return directory !== undefined
}
