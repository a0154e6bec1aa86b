import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './app.ts'

/** Only root may mount one. */
export const canMount = process.getuid?.() === 0

/** An ext4 file system of its own in a file, which can be filled to its last byte or its last inode. */
export class SmallDisk implements Disposable {
  /** An empty directory on it. */
  readonly path: string
  readonly #directory: string
  readonly #mount: string
  readonly #image: string

  constructor({ mebibytes, inodes }: { mebibytes: number; inodes: number }) {
    this.#directory = mkdtempSync(join(tmpdir(), 'paas-disk-'))
    this.#mount = join(this.#directory, 'mount')
    this.#image = join(this.#directory, 'image')
    execFileSync('truncate', ['-s', `${mebibytes}M`, this.#image])
    execFileSync('mkfs.ext4', ['-q', '-N', String(inodes), this.#image])
    mkdirSync(this.#mount)
    shareMounts(this.#directory)
    execFileSync('mount', ['-o', 'loop', this.#image, this.#mount])
    this.path = join(this.#mount, 'data')
    mkdirSync(this.path)
    mkdirSync(this.#ballast)
  }

  get #ballast(): string {
    return join(this.#mount, 'ballast')
  }

  /** To the last byte, what is kept for root included. */
  fill(): void {
    this.empty()
    const { bfree, bsize } = statfsSync(this.#mount)
    spawnSync('fallocate', ['-l', String(Math.max(1, bfree - 256) * bsize), join(this.#ballast, 'most')])
    const file = openSync(join(this.#ballast, 'rest'), 'a')
    for (const size of [65_536, 1024]) writeUntilRefused(file, Buffer.alloc(size, 1))
    closeSync(file)
  }

  /** To the last inode; there are bytes left. */
  fillInodes(): void {
    this.empty()
    try {
      for (let number = 0; ; number++) closeSync(openSync(join(this.#ballast, String(number)), 'w'))
    } catch (cause) {
      if (!isFull(cause)) throw cause
    }
  }

  /** Gives all that room back. */
  empty(): void {
    rmSync(this.#ballast, { recursive: true })
    mkdirSync(this.#ballast)
  }

  /** `ro` while nobody has a file of it open to write; `abort`: read-only for good, as the kernel does after errors. */
  remount(mode: 'ro' | 'rw' | 'abort'): void {
    execFileSync('sync', ['--file-system', this.#mount])
    execFileSync('mount', ['-o', `remount,${mode}`, this.#mount])
  }

  /** Once it is gone, which takes a moment: mounted again before, it would be the same file system, read-only still. */
  async mountAgain(): Promise<void> {
    execFileSync('umount', [this.#mount])
    const loops = (): string => execFileSync('losetup', ['--associated', this.#image], { encoding: 'utf8' })
    await until('the file system is gone', async () => loops() === '')
    execFileSync('mount', ['-o', 'loop', this.#image, this.#mount])
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['--lazy', '--recursive', this.#directory])
    rmSync(this.#directory, { recursive: true })
  }
}

/**
 * Whoever has a mount namespace of its own, as the roles of other servers have, got a copy of every mount. What is unmounted
 * here goes there too where the mount above it is shared (mount_namespaces(7)); the machine's own need not be.
 */
function shareMounts(directory: string): void {
  execFileSync('mount', ['--bind', directory, directory])
  execFileSync('mount', ['--make-shared', directory])
}

function writeUntilRefused(file: number, block: Buffer): void {
  try {
    for (;;) writeSync(file, block)
  } catch (cause) {
    if (!isFull(cause)) throw cause
  }
}

function isFull(cause: unknown): boolean {
  return (cause as NodeJS.ErrnoException).code === 'ENOSPC'
}
