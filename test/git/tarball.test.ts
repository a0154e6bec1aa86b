import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { createGzip, gzipSync } from 'node:zlib'
import { extract, pack, type Header } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRepositories } from '../../src/git/bare-repositories.ts'
import type { Repositories } from '../../src/model/repositories.ts'
import { newId, type AppId, type BuildId } from '../../src/model/ids.ts'
import { run } from '../helpers/repository.ts'

const limits = { packBytes: 10 * 2 ** 20, repositoryBytes: 2 ** 30, sourceBytes: 2 ** 20, sourceFiles: 200 }
const signal = new AbortController().signal

let directory: string
let repositories: Repositories
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paas-tarball-'))
  repositories = createRepositories({ directory, limits })
})
afterAll(() => rm(directory, { recursive: true }))

type Item = Partial<Header> & { name: string; content?: string }

function tar(items: Item[]): Promise<Buffer> {
  const stream = pack()
  for (const { content = '', ...header } of items) {
    if (header.type === undefined || header.type === 'file') stream.entry(header, content)
    else stream.entry({ ...header, size: 0 })
  }
  stream.finalize()
  return buffer(stream as unknown as Readable)
}

const grow = (): void => undefined

const take = (bytes: Buffer, appId = newId<AppId>(), buildId = newId<BuildId>()) =>
  repositories.importTarball(appId, buildId, { bytes: Readable.from([bytes], { objectMode: false }), grow }, signal)

/** What a build of the tarball would find: `mode name -> content`. */
async function contentOf(items: Item[]): Promise<string[]> {
  const appId = newId<AppId>()
  const commit = await take(gzipSync(await tar(items)), appId)
  const unpack = (await repositories.archive(appId, commit, signal)).pipe(extract())
  const found: string[] = []
  for await (const entry of unpack) {
    const { name, type, mode, linkname } = entry.header
    const content = await text(entry)
    if (type !== 'directory') found.push(`${(mode & 0o111) > 0 ? 'x' : '-'} ${name} -> ${linkname || content}`)
  }
  return found.toSorted()
}

async function refusalOf(bytes: Buffer): Promise<string> {
  const appId = newId<AppId>()
  const cause = await take(bytes, appId).then(
    () => new Error('taken'),
    (error: Error & { code?: string }) => error,
  )
  expect(cause).toMatchObject({ code: 'source_invalid' })
  const refs = await run('git', ['-C', join(directory, `${appId}.git`), 'for-each-ref'])
  expect(refs.output).toBe('')
  expect((await readdir(directory)).filter((name) => name.startsWith('.'))).toEqual([])
  return cause.message
}

describe('a tarball', () => {
  it('becomes a commit with its files, modes and links', async () => {
    const files: Item[] = [
      { name: './', type: 'directory' },
      { name: './bin/run', content: '#!/bin/sh\n', mode: 0o755 },
      { name: './Procfile', content: 'web: x' },
      { name: './current', type: 'symlink', linkname: 'bin/run' },
      { name: './again', type: 'link', linkname: './Procfile' },
      { name: './odd "name"\\\n\u00e9', content: 'x' },
      { name: './.git/config', content: 'theirs' },
      { name: './.gitmodules', content: 'theirs' },
      { name: './empty', content: '' },
    ]
    expect(await contentOf(files)).toEqual([
      '- Procfile -> web: x',
      '- again -> web: x',
      '- empty -> ',
      '- odd "name"\\\n\u00e9 -> x',
      'x bin/run -> #!/bin/sh\n',
      'x current -> bin/run',
    ])
  })

  it('has the files of its one directory in its root, as archives of Git hosts have', async () => {
    const files = [
      { name: 'acme-1a2b3c/Procfile', content: 'p' },
      { name: 'acme-1a2b3c/src/a', content: 'a' },
    ]
    expect(await contentOf(files)).toEqual(['- Procfile -> p', '- src/a -> a'])
    expect(await contentOf([...files, { name: 'other', content: 'o' }])).toHaveLength(3)
  })

  it('is the same commit each time, compressed or not, and kept until its build lets go', async () => {
    const [appId, buildId] = [newId<AppId>(), newId<BuildId>()]
    const bytes = await tar([{ name: 'a', content: 'x'.repeat(100_000) }])
    const commit = await take(gzipSync(bytes), appId, buildId)
    expect(await take(bytes, appId, newId<BuildId>())).toBe(commit)
    const refs = await run('git', ['-C', join(directory, `${appId}.git`), 'for-each-ref', '--format=%(refname)'])
    expect(refs.output).toContain(`refs/paas/builds/${buildId}`)
    expect(await repositories.resolve(appId, commit)).toBe(commit)
  })
})

it('what a killed server left of an import goes with the next one', async () => {
  const [old, recent] = ['old', 'recent'].map((name) => join(directory, `.import-${name}`)) as [string, string]
  for (const path of [old, recent]) await mkdir(path)
  await utimes(old, 0, 0)
  await take(gzipSync(await tar([{ name: 'a', content: 'x' }])))
  expect((await readdir(directory)).filter((name) => name.startsWith('.import-'))).toEqual(['.import-recent'])
  await rm(recent, { recursive: true })
})

describe('a tarball is refused, and nothing of it is kept,', () => {
  it.each<[string, Item[], RegExp]>([
    ['with an absolute path', [{ name: '/etc/passwd', content: 'x' }], /"\/etc\/passwd" is an absolute path\.$/],
    ['with a path that climbs out', [{ name: 'a/../../b', content: 'x' }], /"a\/\.\.\/\.\.\/b" leads outside of it\.$/],
    [
      'with a link out of it',
      [{ name: 'a', type: 'symlink', linkname: '/etc' }],
      /the symbolic link "a" points outside/,
    ],
    [
      'with a link that climbs out',
      [{ name: 'a/b', type: 'symlink', linkname: '../../x' }, { name: 'c' }],
      /points outside/,
    ],
    [
      'with a file written through a link',
      [
        { name: 'a', type: 'symlink', linkname: '/etc' },
        { name: 'a/passwd', content: 'x' },
      ],
      /"a" is both a file and the directory of "a\/passwd"/,
    ],
    ['with a hard link to the host', [{ name: 'a', type: 'link', linkname: '/etc/passwd' }], /is an absolute path/],
    [
      'with a hard link to nothing',
      [{ name: 'a', type: 'link', linkname: 'b' }],
      /"a" is a link to "b", which is not an earlier file/,
    ],
    ['with a device', [{ name: 'a', type: 'character-device' }], /"a" is a character-device, not a file/],
    ['with a pipe', [{ name: 'a', type: 'fifo' }], /"a" is a fifo, not a file/],
    ['with a PAX path that climbs out', [{ name: 'a', pax: { path: '../../a' }, content: 'x' }], /leads outside of it/],
    [
      'with names that differ in case',
      [{ name: 'a' }, { name: 'A' }, { name: 'b/c' }],
      /The tarball .* differ only in case/,
    ],
    ['with a disguised .git', [{ name: '.GIT/config', content: 'x' }, { name: 'a' }], /contains the name "\.GIT"/],
    ['with no files', [{ name: 'a', type: 'directory' }], /it has no files/],
    ['with a path of 5,000 characters', [{ name: 'a/'.repeat(40) + 'b'.repeat(5000) }], /has more than 1024 bytes/],
    ['with 300 directories in each other', [{ name: `${'a/'.repeat(300)}b` }], /is nested deeper than 100 directories/],
    [
      'with too many files',
      Array.from({ length: 201 }, (_, n) => ({ name: `f${n}` })),
      /more than 200 entries, the limit/,
    ],
    ['with too large files', [{ name: 'a', content: 'x'.repeat(2 ** 20 + 1) }], /files of more than 1 MiB, the limit/],
  ])('%s', async (_, items, message) => {
    expect(await refusalOf(gzipSync(await tar(items)))).toMatch(message)
  })

  it.each<[string, () => Buffer | Promise<Buffer>, RegExp]>([
    ['that is empty', () => Buffer.alloc(0), /not a gzipped tarball: it is empty/],
    ['that is text', () => Buffer.from('not a tarball '.repeat(100)), /not a gzipped tarball: Invalid tar header/],
    ['that is one byte', () => Buffer.from('x'), /not a gzipped tarball: Unexpected end of data/],
    ['that is gzipped text', () => gzipSync('x'.repeat(2000)), /not a gzipped tarball: Invalid tar header/],
    ['that is a zip file', () => Buffer.from(`PK\u0003\u0004${'x'.repeat(600)}`), /tarball: it is a zip archive\./],
    ['in bzip2', () => Buffer.from(`BZh91AY&SY${'x'.repeat(600)}`), /tarball: it is compressed with bzip2\./],
    ['in xz', () => Buffer.from('fd377a585a000004e6d6b446', 'hex'), /tarball: it is compressed with xz\./],
    ['in zstd', () => Buffer.from('28b52ffd2458000000000000', 'hex'), /tarball: it is compressed with zstd\./],
    [
      'that is cut',
      async () => gzipSync(await tar([{ name: 'a', content: 'abc' }])).subarray(0, 60),
      /truncated or damaged/,
    ],
    [
      'that is cut inside',
      async () => (await tar([{ name: 'a', content: 'abc' }])).subarray(0, 514),
      /Unexpected end of data/,
    ],
    ['whose header is endless', () => endlessHeader(), /Header exceeds max size/],
  ])('%s', async (_, bytes, message) => {
    expect(await refusalOf(await bytes())).toMatch(message)
  })

  it('that unpacks to gigabytes, long before they are there', async () => {
    const zeros = Buffer.alloc(2 ** 20)
    let mebibytes = 0
    const source = function* () {
      for (; mebibytes < 4096; mebibytes++) yield zeros
    }
    const bomb = Readable.from(source()).pipe(createGzip({ level: 1 }))
    await expect(
      repositories.importTarball(newId<AppId>(), newId<BuildId>(), { bytes: bomb, grow }, signal),
    ).rejects.toMatchObject({
      code: 'source_invalid',
    })
    expect(mebibytes).toBeLessThan(1024)
  })

  it('with a sparse file that claims terabytes', async () => {
    const claims = await tar([{ name: 'a', pax: { size: String(2 ** 42) }, content: 'x' }])
    expect(await refusalOf(gzipSync(claims))).toMatch(/files of more than 1 MiB, the limit/)
  })

  it('with a reason of its own when its stream fails, the build’s included', async () => {
    const failing = Readable.from(
      (async function* () {
        yield gzipSync('x').subarray(0, 5)
        throw new Error('link lost')
      })(),
    )
    await expect(
      repositories.importTarball(newId<AppId>(), newId<BuildId>(), { bytes: failing, grow }, signal),
    ).rejects.toMatchObject({
      code: 'source_invalid',
      message: expect.stringContaining('link lost'),
    })
    const stop = new AbortController()
    const waiting = new Readable({ read: () => stop.abort(new Error('cancelled')) })
    await expect(
      repositories.importTarball(newId<AppId>(), newId<BuildId>(), { bytes: waiting, grow }, stop.signal),
    ).rejects.toThrow('cancelled')
  })
})

/** A PAX header that says it has a gigabyte. */
async function endlessHeader(): Promise<Buffer> {
  const bytes = await tar([{ name: 'a', pax: { path: 'b' }, content: 'x' }])
  bytes.write('10000000000', 124, 'latin1')
  let sum = 256
  for (let at = 0; at < 512; at++) sum += at >= 148 && at < 156 ? 0 : (bytes[at] ?? 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return bytes
}
