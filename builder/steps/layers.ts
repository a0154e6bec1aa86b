import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { command } from './process.ts'
import { statOf } from './paths.ts'

/**
 * The file systems of steps, each the difference to the one below, as overlayfs has it. They lie in
 * one directory under short names, since the kernel takes no more than a page of them at a mount.
 */
export class Layers {
  readonly #directory: string
  /** Those that this build has a use for. */
  readonly used = new Set<string>()
  #works = 0

  constructor(directory: string) {
    this.#directory = directory
    mkdirSync(directory, { recursive: true })
    // What a build that was stopped left.
    for (const name of readdirSync(directory))
      if (name.startsWith('+')) rmSync(join(directory, name), { recursive: true })
  }

  /** Of all that decides what a step does. */
  static key(parts: unknown): string {
    return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24)
  }

  /** A short name for a directory that lies elsewhere. */
  link(directory: string): string {
    const name = `=${Layers.key(directory)}`
    if (!statOf(join(this.#directory, name))) symlinkSync(directory, join(this.#directory, name))
    return name
  }

  has(key: string): boolean {
    this.used.add(key)
    return existsSync(join(this.#directory, key))
  }

  directoryOf(name: string): string {
    return join(this.#directory, name)
  }

  isEmpty(key: string): boolean {
    return readdirSync(join(this.#directory, key)).length === 0
  }

  /**
   * Does something in a root file system made of these layers, from the lowest up, and keeps what
   * it changed.
   */
  async change(key: string, below: string[], work: (root: string) => Promise<void>): Promise<void> {
    const place = `+${process.pid}-${(this.#works += 1)}`
    const at = (name: string) => join(this.#directory, place, name)
    for (const name of ['upper', 'work', 'root']) mkdirSync(at(name), { recursive: true })
    await this.#mount(below, place, `upperdir=${place}/upper,workdir=${place}/work,userxattr`)
    try {
      await work(at('root'))
    } finally {
      await command('umount', ['--lazy', at('root')])
    }
    renameSync(at('upper'), join(this.#directory, key))
    rmSync(join(this.#directory, place), { recursive: true })
  }

  /** Does something with a root file system that nobody changes. */
  async read<T>(below: string[], work: (root: string) => Promise<T>): Promise<T> {
    const place = `+${process.pid}-${(this.#works += 1)}`
    const root = join(this.#directory, place, 'root')
    mkdirSync(root, { recursive: true })
    await this.#mount([...below, this.#nothing()], place, 'userxattr')
    try {
      return await work(root)
    } finally {
      await command('umount', ['--lazy', root])
      rmSync(join(this.#directory, place), { recursive: true })
    }
  }

  /** An overlay without a place to write has two layers at least. */
  #nothing(): string {
    mkdirSync(join(this.#directory, '=nothing'), { recursive: true })
    return '=nothing'
  }

  #mount(below: string[], place: string, options: string): Promise<void> {
    const all = `lowerdir=${below.toReversed().join(':')},${options}`
    // The newer system calls take no option of more than 256 bytes.
    const env = { ...process.env, LIBMOUNT_FORCE_MOUNT2: 'always' }
    return command('mount', ['-t', 'overlay', 'overlay', '-o', all, `${place}/root`], { cwd: this.#directory, env })
  }
}
