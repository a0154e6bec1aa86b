import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pack, type Header } from 'tar-stream'
import { describe, expect, it } from 'vitest'
import { slugFiles } from '../../src/build/slug.ts'
import { forEachEntry } from '../../src/tar.ts'

type File = Partial<Header> & { name: string; content?: string }

const mebibyte = 2 ** 20

/** A tar as an engine gives it for the directory /app. */
function tarOf(files: File[]): Readable {
  const tar = pack()
  for (const { content = '', ...header } of files) tar.entry(header, content)
  tar.finalize()
  return Readable.from(tar, { objectMode: false })
}

const owner = { uid: 12_345, gid: 1000 }

async function slugOf(files: File[], slugBytes = mebibyte) {
  const { files: tar, facts } = slugFiles(tarOf(files), { slugBytes, owner })
  const entries: Record<string, Pick<Header, 'type' | 'mode' | 'uid' | 'gid' | 'linkname'> & { content: string }> = {}
  await forEachEntry(tar, async (entry) => {
    const { name, type, mode, uid, gid, linkname } = entry.header
    entries[name.replace(/^app\//, '')] = { type, mode, uid, gid, linkname, content: (await buffer(entry)).toString() }
  })
  return { entries, facts }
}

describe('a slug', () => {
  it('has the files of the build directory, as its owner’s', async () => {
    const { entries, facts } = await slugOf([
      { name: 'app/', type: 'directory' },
      { name: 'app/bin/', type: 'directory', mode: 0o755 },
      { name: 'app/bin/run', mode: 0o755, uid: 0, gid: 0, content: 'echo hello' },
    ])
    expect(Object.keys(entries)).toEqual(['app', 'bin', 'bin/run'])
    expect(entries['app']).toMatchObject({ type: 'directory', mode: 0o755, ...owner })
    expect(entries['bin/run']).toMatchObject({ mode: 0o755, ...owner, content: 'echo hello' })
    expect(facts).toEqual({ bytes: 10, files: 3, procfile: undefined })
  })

  it('says what is gone of the layer below, and hides nothing outside the app', async () => {
    const { entries } = await slugOf([
      { name: 'gone', content: 'app/modules/a\0app/../etc/passwd\0app/modules/b/y\0' },
      { name: 'app/modules', type: 'directory' },
    ])
    expect(Object.keys(entries)).toEqual(['modules/.wh.a', 'modules/b/.wh.y', 'modules'])
    await expect(slugOf([{ name: 'gone', content: 'app/modules/.wh..opq\0' }])).rejects.toThrow('begins with .wh.')
  })

  it('has no set-uid, set-gid or sticky bits', async () => {
    const { entries } = await slugOf([
      { name: 'app/root', mode: 0o4755 },
      { name: 'app/shared', type: 'directory', mode: 0o3777 },
    ])
    expect(entries['root']?.mode).toBe(0o755)
    expect(entries['shared']?.mode).toBe(0o777)
  })

  it('has no devices and no pipes', async () => {
    const { entries } = await slugOf([
      { name: 'app/disk', type: 'block-device', devmajor: 8, devminor: 0 },
      { name: 'app/memory', type: 'character-device', devmajor: 1, devminor: 1 },
      { name: 'app/pipe', type: 'fifo' },
      { name: 'app/file', content: 'x' },
    ])
    expect(Object.keys(entries)).toEqual(['file'])
  })

  it.each([
    ['a whiteout', '.wh.x', 'has a name that begins with .wh., which is reserved in container images'],
    ['an opaque directory', 'a/.wh..wh..opq', 'has a name that begins with .wh.'],
    ['a path of 4,200 bytes', `${'d'.repeat(200)}/`.repeat(21), 'has more than 4000 bytes'],
  ])('has no name that no layer can hold: %s', async (_, name, problem) => {
    await expect(
      slugOf([{ name: `app/${name}`, type: name.endsWith('/') ? 'directory' : 'file' }]),
    ).rejects.toMatchObject({
      code: 'build_failed',
      message: expect.stringContaining(problem),
    })
  })

  it('has nothing that is not under the build directory', async () => {
    const { entries } = await slugOf([
      { name: 'app/../etc/passwd', content: 'x' },
      { name: 'app/a/../../../etc/shadow', content: 'x' },
      { name: 'app//etc/absolute', content: 'x' },
      { name: 'etc', content: 'x' },
      { name: 'app/..', type: 'directory' },
      { name: 'app/.../fine', content: 'x' },
    ])
    expect(Object.keys(entries)).toEqual(['.../fine'])
  })

  it('has no files of git’s own, and all that merely look like them', async () => {
    const { entries } = await slugOf([
      { name: 'app/.git/config', content: 'x' },
      { name: 'app/.gitmodules', content: 'x' },
      { name: 'app/.gitignore', content: 'x' },
      { name: 'app/.github/workflow.yml', content: 'x' },
      { name: 'app/vendor/.gitmodules', content: 'x' },
    ])
    expect(Object.keys(entries)).toEqual(['.gitignore', '.github/workflow.yml', 'vendor/.gitmodules'])
  })

  it('keeps symbolic links as they are and hard links within itself', async () => {
    const { entries } = await slugOf([
      { name: 'app/python', type: 'symlink', linkname: '/usr/bin/python3' },
      { name: 'app/up', type: 'symlink', linkname: '../../outside' },
      { name: 'app/one', content: 'x' },
      { name: 'app/two', type: 'link', linkname: 'app/one' },
      { name: 'app/shadow', type: 'link', linkname: 'app/../etc/shadow' },
      { name: 'app/other', type: 'link', linkname: 'etc/shadow/..' },
    ])
    expect(entries['python']).toMatchObject({ type: 'symlink', linkname: '/usr/bin/python3' })
    expect(entries['up']).toMatchObject({ type: 'symlink', linkname: '../../outside' })
    expect(entries['two']).toMatchObject({ type: 'link', linkname: 'app/one' })
    expect(entries).not.toHaveProperty('shadow')
    expect(entries).not.toHaveProperty('other')
  })

  it('takes names and links of any length', async () => {
    const name = `app/${'directory/'.repeat(60)}${'x'.repeat(200)}`
    const { entries } = await slugOf([
      { name, content: 'x' },
      { name: 'app/link', type: 'symlink', linkname: 'y'.repeat(500) },
    ])
    expect(entries[name.slice(4)]?.content).toBe('x')
    expect(entries['link']?.linkname).toBe('y'.repeat(500))
  })

  it('streams large files', async () => {
    const content = 'x'.repeat(3 * mebibyte)
    const { entries, facts } = await slugOf([{ name: 'app/large', content }], 4 * mebibyte)
    expect(entries['large']?.content).toBe(content)
    expect(facts.bytes).toBe(3 * mebibyte)
  })

  it('tells its Procfile', async () => {
    const { facts } = await slugOf([
      { name: 'app/config/Procfile', content: 'web: not this' },
      { name: 'app/Procfile', content: 'web: this' },
    ])
    expect(facts.procfile).toBe('web: this')
  })

  it('is refused beyond its limit', async () => {
    const files = [1, 2, 3].map((number) => ({ name: `app/${number}`, content: 'x'.repeat(400_000) }))
    await expect(slugOf(files)).rejects.toMatchObject({
      code: 'slug_too_large',
      message: 'The slug is over the limit of 1 MiB.',
    })
  })

  it('fails when its source does', async () => {
    const broken = Readable.from(
      (async function* () {
        yield Buffer.alloc(100)
        throw new Error('the connection broke')
      })(),
      { objectMode: false },
    )
    await expect(buffer(slugFiles(broken, { slugBytes: mebibyte, owner }).files)).rejects.toThrow(
      'the connection broke',
    )
  })

  it('fails when its source ends in the middle', async () => {
    const whole = await buffer(tarOf([{ name: 'app/file', content: 'x'.repeat(5000) }]))
    const cut = Readable.from([whole.subarray(0, 2000)], { objectMode: false })
    await expect(buffer(slugFiles(cut, { slugBytes: mebibyte, owner }).files)).rejects.toThrow('Unexpected end of data')
  })

  it('closes its source when nobody wants it any more', async () => {
    const source = tarOf([{ name: 'app/large', content: 'x'.repeat(mebibyte) }])
    const { files } = slugFiles(source, { slugBytes: 4 * mebibyte, owner })
    await new Promise((settle) => files.once('readable', settle))
    const closed = new Promise((settle) => source.once('close', settle))
    files.destroy()
    await closed
    expect(source.destroyed).toBe(true)
  })
})
