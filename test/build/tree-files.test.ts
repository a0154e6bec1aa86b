import { execFile } from 'node:child_process'
import { chmod, link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { treeFiles } from '../../src/build/tree-files.ts'
import { forEachEntry, pack, type Header } from '../../src/tar.ts'

const run = promisify(execFile)
const owner = { uid: 12_345, gid: 1000 }
const slugBytes = 2 ** 20
const long = `${'d'.repeat(90)}/${'f'.repeat(90)}`

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paas-tree-'))
  const modules = join(directory, 'app/node_modules')
  await mkdir(join(modules, 'd'.repeat(90)), { recursive: true })
  for (const name of ['a', 'b', long])
    await writeFile(join(modules, name), `content of ${name.slice(0, 1)}\n`.repeat(100))
  await chmod(join(modules, 'a'), 0o4755)
  await link(join(modules, 'a'), join(modules, 'hard'))
  await symlink(long, join(modules, 'soft'))
  await run('mkfifo', [join(modules, 'c')])
})
afterAll(() => rm(directory, { recursive: true }))

/** As packs keep a tree (buildpacks/lib/tree.sh). */
async function kept(...options: string[]): Promise<Buffer> {
  const argv = ['--create', '--file=-', `--directory=${directory}`, '--sort=name', ...options, 'app/node_modules']
  return (await run('tar', argv, { encoding: 'buffer' })).stdout
}

function inPieces(tar: Buffer, bytes: number): Readable {
  const count = Math.ceil(tar.length / bytes)
  const pieces = Array.from({ length: count }, (_, index) =>
    Buffer.from(tar.subarray(index * bytes, (index + 1) * bytes)),
  )
  return Readable.from(pieces)
}

async function treeOf(tar: Buffer, { piece = 1000, most = slugBytes } = {}) {
  const facts = { bytes: 0, files: 0 }
  const files = treeFiles(inPieces(tar, piece), { slugBytes: most, owner, facts })
  const made = await buffer(files)
  const entries: Record<string, Pick<Header, 'type' | 'mode' | 'uid' | 'gid' | 'linkname'> & { content: string }> = {}
  await forEachEntry(Readable.from([made]), async (entry) => {
    const { name, type, mode, uid, gid, linkname } = entry.header
    const content = (await buffer(entry)).toString()
    entries[name.replace('app/node_modules/', '')] = { type, mode, uid, gid, linkname, content }
  })
  return { made, facts, entries }
}

describe('a tree', () => {
  it('has its files as they were kept, but for owners and special bits, and is as long as its tar', async () => {
    const tar = await kept()
    const { made, facts, entries } = await treeOf(tar)
    expect(made.length).toBe(tar.length)
    expect(Object.keys(entries)).toEqual(['', 'a', 'b', `${'d'.repeat(90)}/`, long, 'hard', 'soft'])
    expect(entries['a']).toMatchObject({ type: 'file', mode: 0o755, ...owner, content: 'content of a\n'.repeat(100) })
    expect(entries[long]).toMatchObject({ type: 'file', ...owner, content: 'content of d\n'.repeat(100) })
    expect(entries['hard']).toMatchObject({ type: 'link', linkname: 'app/node_modules/a', ...owner })
    expect(entries['soft']).toMatchObject({ type: 'symlink', linkname: long, ...owner })
    expect(facts).toEqual({ bytes: 3900, files: 7 })
    await writeFile(join(directory, 'made.tar'), made)
    const { stdout } = await run('tar', ['--list', '--verbose', '--numeric-owner', `--file=${directory}/made.tar`])
    expect(stdout.trim().split('\n')).toHaveLength(7)
    expect(stdout).not.toContain(' 0/0 ')
  })

  it('is the same however it comes', async () => {
    const tar = await kept()
    const { made } = await treeOf(tar, { piece: tar.length })
    for (const piece of [7, 512, 513, 4096]) expect((await treeOf(tar, { piece })).made.equals(made)).toBe(true)
  })

  it('is refused beyond the limit of a slug', async () => {
    await expect(treeOf(await kept(), { most: 3000 })).rejects.toThrow('The slug is over the limit')
  })

  it('that is cut, or goes on after its end, is refused', async () => {
    const tar = await kept()
    for (const bytes of [0, 100, 512, 2000, tar.lastIndexOf('content')])
      await expect(treeOf(tar.subarray(0, bytes))).rejects.toThrow('could not be read')
    await expect(treeOf(Buffer.concat([tar, tar]))).rejects.toThrow('could not be read')
    expect((await treeOf(Buffer.concat([tar, Buffer.alloc(256 * 1024)]))).facts.files).toBe(7)
    await expect(treeOf(Buffer.concat([tar, Buffer.alloc(2 ** 20)]))).rejects.toThrow('could not be read')
  })

  it('in another format than the one that has one reading is refused', async () => {
    for (const format of ['posix', 'ustar', 'v7'])
      await expect(
        treeOf(await kept(`--format=${format}`, ...['c', 'd*', 'soft'].map((name) => `--exclude=${name}`))),
      ).rejects.toThrow('could not be read')
  })

  it('with a header that is not what its checksum says is refused', async () => {
    const tar = await kept()
    tar[tar.indexOf('node_modules/b')] = 0x6f
    await expect(treeOf(tar)).rejects.toThrow('could not be read')
  })

  it('that would be anywhere else, or hide something, is refused', async () => {
    const renamed = (name: string) => kept(`--transform=s,^app/node_modules,${name},`)
    for (const name of ['etc', 'app/../etc', 'app//x', 'app/./x', 'app/.git'])
      await expect(treeOf(await renamed(name)), name).rejects.toThrow('could not be read')
    await expect(treeOf(await renamed('app/.wh.x'))).rejects.toThrow('begins with .wh.')
  })

  it('fails as what it comes from does', async () => {
    const source = new Readable({ read: () => undefined })
    source.push((await kept()).subarray(0, 700))
    const files = treeFiles(source, { slugBytes, owner, facts: { bytes: 0, files: 0 } })
    source.destroy(new Error('the sandbox is gone'))
    await expect(buffer(files)).rejects.toThrow('the sandbox is gone')
  })

  it('as this server writes tars itself is refused, since it is another format', async () => {
    const tar = pack()
    tar.entry({ name: 'app/node_modules/a' }, 'a')
    tar.finalize()
    await expect(treeOf(await buffer(Readable.from(tar)))).rejects.toThrow('could not be read')
  })
})
