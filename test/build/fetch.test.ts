import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { buffer } from 'node:stream/consumers'
import { pack } from 'tar-stream'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { run } from '../helpers/repository.ts'
import { PackServer } from './pack-server.ts'
import { SilentHost } from './silent-host.ts'

const program = resolve(import.meta.dirname, '../../buildpacks/bin/fetch')
const files = { 'bin/detect': 'echo Strange', 'bin/compile': 'true' }

let server: PackServer
let work: string
beforeAll(async () => {
  server = await PackServer.start()
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'paas-fetch-'))
})
afterEach(() => rm(work, { recursive: true }))

/** Runs the program as a build does; `reason` is empty when it succeeded. */
async function fetchPack(url: string, env: Record<string, string> = {}) {
  const reasonFile = join(work, 'reason')
  const { code, output } = await run('env', [
    ...Object.entries({ ...env, PAAS_REASON_FILE: reasonFile }).map(([key, value]) => `${key}=${value}`),
    program,
    url,
    join(work, 'pack'),
  ])
  const reason = code === 0 ? '' : await readFile(reasonFile, 'utf8')
  return { code, output, reason }
}

const content = (path: string) => readFile(join(work, 'pack', path), 'utf8')

async function tarball(entries: Record<string, string>): Promise<Buffer> {
  const tar = pack()
  for (const [name, text] of Object.entries(entries)) tar.entry({ name }, text)
  tar.finalize()
  return gzipSync(await buffer(tar))
}

it('a pack in a repository comes as its default branch has it, and its programs can be run', async () => {
  const url = await server.repository('plain', files)
  expect(await fetchPack(url)).toEqual({ code: 0, output: '', reason: '' })
  expect((await stat(join(work, 'pack/bin/detect'))).mode & 0o111).toBe(0o111)
})

it.each(['branch', 'tag', 'commit'])('a pack comes as the %s behind # has it', async (kind) => {
  const name = `at-${kind}`
  const url = await server.repository(name, { ...files, version: 'old' })
  const commit = await server.git(name, 'rev-parse', 'HEAD')
  await server.git(name, kind === 'tag' ? 'tag' : 'branch', 'v1/stable')
  await server.repository(name, { version: 'new' })
  expect(await fetchPack(`${url}#${kind === 'commit' ? commit : 'v1/stable'}`)).toMatchObject({ reason: '' })
  expect(await content('version')).toBe('old')
})

it.each(['branch', 'tag', 'commit', 'HEAD'])(
  'a repository that is served as files gives what its %s has',
  async (kind) => {
    const name = `dumb-${kind}`
    await server.repository(name, { ...files, version: 'old' })
    const commit = await server.git(name, 'rev-parse', 'HEAD')
    await server.git(name, kind === 'tag' ? 'tag' : 'branch', 'v1/stable')
    await server.repository(name, { version: 'new' })
    if (kind === 'tag') await server.git(name, 'gc', '--quiet')
    const url = await server.asFiles(name)
    const ref = { commit: `#${commit}`, HEAD: '' }[kind] ?? '#v1/stable'
    expect(await fetchPack(`${url}${ref}`)).toEqual({ code: 0, output: '', reason: '' })
    expect(await content('version')).toBe(kind === 'HEAD' ? 'new' : 'old')
    await rm(join(work, 'pack'), { recursive: true })
    expect((await fetchPack(`${url}#${'1'.repeat(40)}`)).reason).toBe(`has no branch, tag or commit ${'1'.repeat(40)}`)
  },
)

it.each(['pack.git', 'pack.tgz'])('a host that does not answer is not waited for (%s)', async (path) => {
  const silent = await SilentHost.start()
  const { reason, output } = await fetchPack(silent.url(path))
  silent.stop()
  expect(reason).toBe('cannot be reached: no connection within 10 seconds')
  expect(output).toContain('curl: (28)')
})

it.each(['', './', 'pack-1.0/'])('a tarball is a pack when its files are in "%s"', async (prefix) => {
  const entries = Object.entries({ ...files, 'lib/a.sh': 'a' }).map(([path, text]) => [`${prefix}${path}`, text])
  const url = server.put(`${prefix}pack.tgz`.replace('./', ''), await tarball(Object.fromEntries(entries)))
  expect(await fetchPack(url)).toEqual({ code: 0, output: '', reason: '' })
  expect(await content('lib/a.sh')).toBe('a')
})

it('a ref that is not there is named', async () => {
  const url = await server.repository('refs', files)
  const german = { LC_ALL: 'C.UTF-8', LANGUAGE: 'de' }
  expect((await fetchPack(`${url}#gone`, german)).reason).toBe('has no branch, tag or commit gone')
  await rm(join(work, 'pack'), { recursive: true })
  const unknown = '1'.repeat(40)
  expect((await fetchPack(`${url}#${unknown}`)).reason).toBe(`has no branch, tag or commit ${unknown}`)
})

it.each(['detect', 'compile'])('what has no bin/%s is no pack', async (missing) => {
  const url = await server.repository(`no-${missing}`, { [`bin/${missing === 'detect' ? 'compile' : 'detect'}`]: '' })
  expect((await fetchPack(url)).reason).toBe(`has no bin/${missing}`)
})

it('what is not there, or asks for a password, cannot be fetched, and git and curl say why', async () => {
  expect(await fetchPack(server.url('nothing.git'))).toMatchObject({ reason: 'cannot be fetched', output: /not found/ })
  expect(await fetchPack(server.url('nothing.tgz'))).toMatchObject({ reason: 'cannot be fetched', output: /404/ })
  const closed = server.put('closed.git/info/refs', (response) =>
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
  )
  const { reason, output } = await fetchPack(closed.replace('/info/refs', ''))
  expect([reason, output]).toEqual(['cannot be fetched', expect.stringContaining('terminal prompts disabled')])
})

it.each([
  ['a page', Buffer.from('<html>')],
  ['a compressed page', gzipSync('<html>')],
  ['nothing', Buffer.alloc(0)],
])('%s is no tarball', async (_, answer) => {
  expect((await fetchPack(server.put('page.tgz', answer))).reason).toBe('is not a tarball that can be unpacked')
})

it('nothing is larger than the limit: not what comes, not what it unpacks to', async () => {
  const tooLarge = 'is larger than 100 MiB'
  const zeros = Buffer.alloc(101 * 2 ** 20)
  expect((await fetchPack(server.put('bomb.tgz', gzipSync(zeros)))).reason).toBe(tooLarge)
  expect((await fetchPack(server.put('large.tgz', zeros))).reason).toBe(tooLarge)
  const url = await server.repository('large', {
    ...files,
    one: 'x'.repeat(51 * 2 ** 20),
    two: 'x'.repeat(51 * 2 ** 20),
  })
  expect((await fetchPack(url)).reason).toBe(tooLarge)
  expect(await readdir(join(work, 'pack'))).toEqual(['.git'])
})

/** Entries of a tarball that a pack must not come as; what they would do is done to `work`, or takes long. */
const bombs: [string, (work: string) => string][] = [
  [
    'links out and a file through them',
    (dir) => `link bin/out ${dir}; file bin/out/owned; link up ../..; file up/owned`,
  ],
  ['paths that climb out', () => 'file bin/detect; file bin/../../../owned; file ../../owned'],
  ['an absolute path', (dir) => `file bin/detect; file ${dir}/owned`],
  ['a hard link to a file of the machine', () => 'file bin/detect; hard bin/owned /etc/hostname'],
  ['a device', () => 'file bin/detect; device bin/owned'],
  ['a sparse file of a terabyte', () => 'file bin/detect; sparse bin/large'],
  ['a name of a mebibyte', () => 'file bin/detect; long'],
]

it.each(bombs)('a tarball with %s puts nothing beside the pack, and comes to an end', async (_, entries) => {
  const tar = await run('python3', ['-c', makeTar, entries(work), join(work, 'bomb.tar')])
  expect(tar).toMatchObject({ code: 0 })
  const bytes = await readFile(join(work, 'bomb.tar'))
  await rm(join(work, 'bomb.tar'))
  await fetchPack(server.put('bomb.tgz', gzipSync(bytes)))
  expect((await readdir(work)).toSorted()).not.toContain('owned')
  const { output: sizes } = await run('du', ['--summarize', '--block-size=1M', work])
  expect(Number(sizes.split('\t')[0])).toBeLessThan(1000)
})

/** The tar that its first argument describes, at its second; Python's knows all kinds of entries. */
const makeTar = `
import sys, tarfile, io
tar = tarfile.open(sys.argv[2], 'w', format=tarfile.GNU_FORMAT)
def add(name, **fields):
    info = tarfile.TarInfo(name)
    for key, value in fields.items(): setattr(info, key, value)
    tar.addfile(info, io.BytesIO(b'x' * info.size) if info.size else None)
for words in (part.split() for part in sys.argv[1].split(';')):
    kind, name = words[0], words[1] if len(words) > 1 else ''
    if kind == 'file': add(name, size=1, mode=0o755)
    if kind == 'link': add(name, type=tarfile.SYMTYPE, linkname=words[2])
    if kind == 'hard': add(name, type=tarfile.LNKTYPE, linkname=words[2])
    if kind == 'device': add(name, type=tarfile.CHRTYPE, devmajor=1, devminor=5)
    if kind == 'long': add('bin/' + 'n' * 2**20, size=1)
    if kind == 'sparse':
        info = tarfile.TarInfo(name); info.type = tarfile.GNUTYPE_SPARSE
        head = bytearray(info.tobuf(tarfile.GNU_FORMAT)); size = 2**40
        head[124:136] = b'00000000000\\0'; head[386:398] = b'\\x80' + size.to_bytes(11, 'big'); head[398:410] = b'00000000000\\0'
        head[483:495] = b'\\x80' + size.to_bytes(11, 'big'); head[148:156] = b' ' * 8
        head[148:156] = b'%06o\\0 ' % sum(head); tar.fileobj.write(head); tar.offset += 512
tar.close()
`

it.each(['file:///etc/passwd', 'ftp://127.0.0.1/pack.tgz', 'gopher://127.0.0.1/'])(
  'a redirect to %s is not followed',
  async (location) => {
    const answer = { location }
    const tgz = server.put('moved.tgz', (response) => response.writeHead(302, answer).end())
    expect((await fetchPack(tgz)).reason).toBe('cannot be fetched')
    server.put('moved.git/info/refs', (response) => response.writeHead(302, answer).end())
    expect((await fetchPack(server.url('moved.git'))).reason).toBe('cannot be fetched')
  },
)

it('neither submodules nor hooks nor settings of the app have a part in it', async () => {
  const url = await server.repository('sub', {
    ...files,
    '.gitmodules': `[submodule "x"]\n  path = x\n  url = ext::touch% ${work}/owned\n`,
    'hooks/post-checkout': `touch ${work}/owned`,
  })
  await run('bash', [
    '-c',
    `printf '[core]\\n hooksPath = ${work}/hooks\\n[submodule]\\n recurse = true\\n' > ${work}/.gitconfig
    mkdir ${work}/hooks; printf '#!/bin/sh\\ntouch ${work}/owned' > ${work}/hooks/post-checkout; chmod +x ${work}/hooks/*
    echo 'proxy = "http://127.0.0.1:1"' > ${work}/.curlrc`,
  ])
  expect(await fetchPack(url, { HOME: work, GIT_DIR: work })).toMatchObject({ reason: '' })
  await rm(join(work, 'pack'), { recursive: true })
  expect(await fetchPack(server.put('curlrc.tgz', await tarball(files)), { HOME: work })).toMatchObject({ reason: '' })
  expect(await readdir(work)).not.toContain('owned')
})
