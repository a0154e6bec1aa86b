import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import { StoreDirectory } from './test-store.ts'

/** A file system of its own in memory, of so many bytes; only root may make one. */
class SmallDisk implements Disposable {
  readonly path: string

  constructor({ directory }: StoreDirectory, bytes: number) {
    this.path = join(directory, 'disk')
    mkdirSync(this.path)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'none', this.path])
  }

  [Symbol.dispose](): void {
    execFileSync('umount', [this.path])
  }
}

it.skipIf(process.getuid?.() !== 0)(
  'a full disk refuses changes as a whole, loses nothing, and is forgotten once there is space',
  () => {
    using files = new StoreDirectory()
    using disk = new SmallDisk(files, 4 * 2 ** 20)
    const ballast = join(disk.path, 'ballast')
    writeFileSync(ballast, Buffer.alloc(2 * 2 ** 20))
    const at = { path: join(disk.path, 'paas.db'), keyPath: join(disk.path, 'key') }
    const written: string[] = []
    {
      using store = openStore(at)
      const { id: ownerId } = store.accounts.create({ email: 'owner@example.com', admin: false })
      const { id } = store.apps.create({ name: 'acme', ownerId, stack: 'debian-13' })
      const write = (): void => {
        const key = `KEY_${written.length}`
        store.transaction(() => {
          store.configVars.update(id, { [key]: 'x'.repeat(30_000) })
          store.releases.create({ appId: id, slugId: null, description: key, accountId: ownerId, config: {} })
        })
        written.push(key)
      }
      const writeOn = (): void => {
        for (;;) write()
      }
      expect(writeOn).toThrow(expect.objectContaining({ code: 'disk_full', status: 507, fault: 'server' }))
      expect(written.length).toBeGreaterThan(10)
      expect(write).toThrow(expect.objectContaining({ code: 'disk_full' }))
      expect(Object.keys(store.configVars.get(id))).toHaveLength(written.length)
      expect(store.releases.list(id)).toHaveLength(written.length + 1)
      rmSync(ballast)
      write()
    }
    using again = openStore(at)
    const { id } = again.apps.find('acme')!
    expect(Object.keys(again.configVars.get(id)).toSorted()).toEqual(written.toSorted())
  },
)
