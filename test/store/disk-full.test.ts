import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import { canMount, SmallDisk } from '../helpers/small-disk.ts'

it.skipIf(!canMount)(
  'a full disk refuses changes as a whole, loses nothing, and is forgotten once there is space',
  () => {
    using disk = new SmallDisk({ mebibytes: 8, inodes: 100 })
    const ballast = join(disk.path, 'ballast')
    writeFileSync(ballast, Buffer.alloc(4 * 2 ** 20))
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

it.skipIf(!canMount)(
  'a record that is open is written to without inodes; one that is not is refused as on a full disk',
  () => {
    using disk = new SmallDisk({ mebibytes: 8, inodes: 100 })
    const at = { path: join(disk.path, 'paas.db'), keyPath: join(disk.path, 'key') }
    {
      using store = openStore(at)
      disk.fillInodes()
      store.accounts.create({ email: 'owner@example.com', admin: false })
    }
    disk.fillInodes()
    expect(() => openStore(at)).toThrow(expect.objectContaining({ code: 'disk_full' }))
    disk.empty()
    using again = openStore(at)
    expect(again.accounts.list()).toHaveLength(1)
  },
)

it.skipIf(!canMount)('a disk that is mounted read-only refuses changes and says so, and is read', () => {
  using disk = new SmallDisk({ mebibytes: 8, inodes: 100 })
  const at = { path: join(disk.path, 'paas.db'), keyPath: join(disk.path, 'key') }
  using store = openStore(at)
  const write = () => store.accounts.create({ email: 'owner@example.com', admin: false })
  disk.remount('abort')
  expect(write).toThrow(
    expect.objectContaining({ code: 'data_directory_unusable', message: expect.stringMatching(/read-only/) as string }),
  )
  expect(store.accounts.list()).toEqual([])
})
