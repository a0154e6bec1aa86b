import { expect, it } from 'vitest'
import { upperDirectory } from '../../src/engine/docker/writable-layer.ts'

const id = 'a'.repeat(64)
const mount = (place: string, type: string, options: string) =>
  `590 153 0:50 / ${place} rw,relatime shared:1 - ${type} ${type} rw,${options}`
const own = mount(
  `/data/rootfs/overlayfs/${id}`,
  'overlay',
  String.raw`lowerdir=/l,upperdir=/my\040data/7/fs,workdir=/w`,
)

it('the layer of a container is the upper directory of the overlay mounted at its id, and of no other mount', () => {
  const other = mount(`/data/rootfs/overlayfs/${'b'.repeat(64)}`, 'overlay', 'lowerdir=/l,upperdir=/u,workdir=/w')
  const inside = mount(`/data/rootfs/overlayfs/${id}/app`, 'overlay', 'lowerdir=/l,upperdir=/u,workdir=/w')
  const memory = mount(`/data/rootfs/native/${id}`, 'tmpfs', 'upperdir=/u')
  expect(upperDirectory([other, inside, memory, own, ''].join('\n'), id)).toBe('/my data/7/fs')
  expect(upperDirectory([other, inside, memory].join('\n'), id)).toBeUndefined()
})
