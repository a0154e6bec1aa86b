import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { contentOf, watchContent } from '../../src/volumes/content.ts'
import { uploadedFiles } from '../../src/volumes/uploaded-files.ts'
import { forEachEntry, pack, type Header } from '../../src/tar.ts'

type Entry = [header: Partial<Header> & { name: string }, content?: string]

function tarOf(...entries: Entry[]): Readable {
  const tar = pack()
  for (const [header, content] of entries) tar.entry({ mtime: new Date(0), ...header }, content ?? '')
  tar.finalize()
  return Readable.from(tar, { objectMode: false })
}

const owner = { uid: 12_345, gid: 1000 }
const upload = (tar: Readable, bytes = 2 ** 20) => uploadedFiles(tar, { owner, bytes })

async function headersOf(tar: Readable): Promise<Header[]> {
  const headers: Header[] = []
  await forEachEntry(tar, ({ header }) => void headers.push(header))
  return headers
}

it('the content of a tar is the same as long as names, owners, modes, times and bytes are', async () => {
  const usual: Entry = [{ name: 'volume/a', mode: 0o600, uid: 1 }, 'text']
  const one = await contentOf(tarOf(usual))
  expect(one).toMatchObject({ files: 1, bytes: 4 })
  expect(await contentOf(tarOf(usual))).toEqual(one)
  const others: Entry[] = [
    [{ name: 'volume/b', mode: 0o600, uid: 1 }, 'text'],
    [{ name: 'volume/a', mode: 0o644, uid: 1 }, 'text'],
    [{ name: 'volume/a', mode: 0o600, uid: 2 }, 'text'],
    [{ name: 'volume/a', mode: 0o600, uid: 1, mtime: new Date(5000) }, 'text'],
    [{ name: 'volume/a', mode: 0o600, uid: 1 }, 'Text'],
  ]
  for (const other of others) expect((await contentOf(tarOf(other))).checksum).not.toBe(one.checksum)
})

it('a tar passes on unchanged, and fails where it breaks off, even between two files', async () => {
  const whole = await buffer(tarOf([{ name: 'volume/a' }, 'x'.repeat(2000)], [{ name: 'volume/b' }, 'y']))
  const { tar, content } = watchContent(
    Readable.from([whole.subarray(0, 700), whole.subarray(700)], { objectMode: false }),
  )
  expect((await buffer(tar)).equals(whole)).toBe(true)
  expect(await content).toMatchObject({ files: 2, bytes: 2001 })
  for (const length of [512 + 2048, 600, 0]) {
    const cut = watchContent(Readable.from([whole.subarray(0, length)], { objectMode: false }))
    cut.content.catch(() => undefined)
    await expect(buffer(cut.tar)).rejects.toMatchObject({ code: 'volume_changing' })
  }
})

it('what a stranger uploads becomes plain files of the app, below the volume, without rights of its own', async () => {
  const tar = tarOf(
    [{ name: './', type: 'directory' }],
    [{ name: './a/b', mode: 0o6755, uid: 0, gid: 0 }, 'text'],
    [{ name: 'link', type: 'symlink', linkname: '/etc/passwd' }],
    [{ name: 'hard', type: 'link', linkname: 'a/b' }],
  )
  const headers = await headersOf(upload(tar))
  expect(headers.map(({ name, type, mode, linkname }) => [name, type, mode, linkname])).toEqual([
    ['volume', 'directory', 0o777, null],
    ['volume/a/b', 'file', 0o755, null],
    ['volume/link', 'symlink', 0o777, '/etc/passwd'],
    ['volume/hard', 'link', 0o644, 'volume/a/b'],
  ])
  expect(headers.every(({ uid, gid }) => uid === owner.uid && gid === owner.gid)).toBe(true)
})

it.each<[string, Entry[], RegExp]>([
  ['an absolute name', [[{ name: '/etc/passwd' }, 'x']], /leads out of the volume/],
  ['a name with ..', [[{ name: 'a/../../x' }, 'x']], /leads out of the volume/],
  ['a hard link to the outside', [[{ name: 'x', type: 'link', linkname: '../../etc/shadow' }]], /leads out/],
  ['a device', [[{ name: 'sda', type: 'block-device', devmajor: 8, devminor: 0 }]], /is a block device/],
  ['a pipe', [[{ name: 'pipe', type: 'fifo' }]], /is a fifo/],
  [
    'a file behind a symbolic link',
    [[{ name: 'a', type: 'symlink', linkname: '/etc' }], [{ name: 'a/cron.d/x' }, 'x']],
    /lies behind a symbolic link/,
  ],
  ['a name that is no UTF-8', [[{ name: 'a\uFFFD' }, 'x']], /is no UTF-8/],
])('an upload with %s is refused, and the entry named', async (_, entries, problem) => {
  await expect(buffer(upload(tarOf(...entries)))).rejects.toMatchObject({
    code: 'source_invalid',
    message: expect.stringMatching(problem),
  })
})

it('an upload that is larger than a volume may be is refused', async () => {
  const tar = tarOf([{ name: 'a' }, 'x'.repeat(2000)])
  await expect(buffer(upload(tar, 1000))).rejects.toMatchObject({ code: 'payload_too_large' })
})
