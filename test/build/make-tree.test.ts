import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { makeTree, type TreeMeans } from '../../src/build/make-tree.ts'
import type { TreeOrder } from '../../src/model/tree-order.ts'

const order: TreeOrder = {
  sandbox: 'a sandbox',
  files: ['/cache/trees/vendor.1.tar'],
  base: 'an image',
  owner: { uid: 10_000, gid: 1000 },
  slugBytes: 2 ** 20,
  labels: { of: 'all' },
  partLabels: { of: 'some' },
  bytesLabel: 'bytes',
}
const ready = {
  async *[Symbol.asyncIterator]() {
    yield 1
    throw new Error('read beyond the parts')
  },
}

/** A tar as packs keep one, which turns out to be longer by so many bytes than it was when it was opened. */
async function made(more: number): Promise<{ length: number; labels: object; closed: boolean }> {
  const argv = ['--create', '--format=gnu', '--file=-', '--transform=s,^.*$,app/vendor/file,', import.meta.filename]
  const { stdout: tar } = await promisify(execFile)('tar', argv, { encoding: 'buffer' })
  let closed = false
  const content = async function* () {
    yield tar
  }
  const means: TreeMeans<{ length: number; labels: object }> = {
    read: async () => ({ bytes: tar.length - more, content: content(), [Symbol.dispose]: () => (closed = true) }),
    append: async (_, layers) => {
      let [length, labels] = [0, {}]
      for await (const one of layers) {
        for await (const chunk of one.layer as AsyncIterable<Buffer>) length += chunk.length
        labels = one.labels()
      }
      return { length: length - tar.length, labels }
    },
  }
  return { ...(await makeTree(means, order, ready)), closed }
}

it('a tree is a layer of its tar, which is closed then', async () => {
  expect(await made(0)).toEqual({
    length: 0,
    labels: { of: 'all', bytes: expect.stringMatching(/^\d{4}$/) },
    closed: true,
  })
})

it.each([512, -512])('a tar that a build writes to while it is read fails the build: %d bytes', async (more) => {
  await expect(made(more)).rejects.toMatchObject({ code: 'build_failed' })
})
