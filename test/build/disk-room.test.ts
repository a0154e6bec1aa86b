import { expect, it } from 'vitest'
import { makeDiskRoom } from '../../src/build/disk-room.ts'
import { freeDisk } from '../../src/engine/docker/free-disk.ts'
import { PaasError } from '../../src/errors.ts'
import type { EngineInfo } from '../../src/engine/engine.ts'
import type { AppId } from '../../src/model/ids.ts'
import { canMount, SmallDisk } from '../helpers/small-disk.ts'

const [old, busy, recent] = ['old', 'busy', 'recent'] as [AppId, AppId, AppId]

/** A disk with so many MiB free, and what each step gives. */
function disk(mebibytes: number | undefined, { images = 0, cache = 0 } = {}) {
  const removed: string[] = []
  let free = mebibytes
  const give = (what: string, more: number): void => {
    removed.push(what)
    if (free !== undefined) free += more
  }
  const made = makeDiskRoom({
    free: async () => (free === undefined ? undefined : free * 2 ** 20),
    sweep: async () => give('images', images),
    apps: () => [old, busy, recent],
    removeCache: async (appId) => {
      if (appId === busy) throw new PaasError('cache_in_use', 'A build is using the build cache of the app.')
      give(appId, cache)
    },
  })
  return { made, removed }
}

it.each([
  [1024, {}, []],
  [undefined, {}, []],
  [500, { images: 2000 }, ['images']],
  [500, { cache: 1500 }, ['images', 'old']],
  [500, { cache: 300 }, ['images', 'old', 'recent']],
])('a build that finds %s MiB free removes no more than it must', async (free, gives, expected) => {
  const { made, removed } = disk(free, gives)
  await made
  expect(removed).toEqual(expected)
})

it('a build is refused before it fills the disk', async () => {
  await expect(disk(500, { images: 10, cache: 10 }).made).rejects.toMatchObject({
    code: 'disk_full',
    message: 'The disk for builds has 530 MiB left, and a build needs 1024 MiB.',
  })
})

it.skipIf(!canMount)('what is free on the disk of the engine is looked at there', async () => {
  using disk = new SmallDisk({ mebibytes: 64, inodes: 100 })
  const machine = async () => ({ rootDirectory: disk.path }) as EngineInfo
  expect(await freeDisk({ machine })).toBeLessThan(64 * 2 ** 20)
  disk.fill()
  expect(await freeDisk({ machine })).toBe(0)
  expect(
    await freeDisk({ machine: async () => ({ rootDirectory: `${disk.path}/gone` }) as EngineInfo }),
  ).toBeUndefined()
})
