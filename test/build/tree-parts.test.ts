import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { treeFiles } from '../../src/build/tree-files.ts'
import { forEachEntry } from '../../src/tar.ts'

/** What packs keep of a tree (buildpacks/lib/tree.sh), run here as they run it. */

const library = join(import.meta.dirname, '../../buildpacks/lib/tree.sh')
const id = '[0-9a-f]{64}'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paas-parts-'))
  await shell(`
    mkdir -p app/node_modules/{a,b/deep/er,c} packs
    for at in a/one b/deep/one b/deep/er/one b/deep/two c/one; do head -c 100K /dev/urandom >app/node_modules/$at; done
    ln -s ../c/one app/node_modules/a/link
    echo odd >"$(printf 'app/node_modules/b/deep/a new\\nline')"
    chmod 750 app/node_modules/b/deep; chmod 640 app/node_modules/b/deep/two`)
})
afterAll(() => rm(directory, { recursive: true }))

async function shell(script: string): Promise<string> {
  const given = `set -euo pipefail; source ${library}; build_dir=$PWD/app cache_dir=$PWD/cache; part_bytes=150000 PAAS_TREE_FILE=$PWD/packs/tree`
  return (await promisify(execFile)('bash', ['-c', `${given}\n${script}`], { cwd: directory })).stdout
}

/** Runs from the app's directory, as packs do. */
function inApp(script: string): Promise<string> {
  return shell(`: >packs/answers; cd app; ${script}`)
}

const contents = (at: string) => shell(`cd ${at} && find . -printf '%M %p %l\\n' -type f -exec sha256sum {} + | sort`)
const said = async (file: string) => (await readFile(join(directory, 'packs', file), 'utf8')).trim().split('\n')

describe('a tree of some size', () => {
  it('is kept in parts, each of which is told of when it is there', async () => {
    await inApp('keep_tree node_modules the-key')
    const [path, name, parts] = await said('tree')
    expect([path, name, parts]).toEqual(['node_modules', expect.stringMatching(id), '4'])
    const told = ['1', '2', '3', '4'].map((part) => `part ${name} ${part} 4 node_modules`)
    expect(await said('answers')).toEqual([told.at(-1)])
    expect(await shell('ls cache/trees')).toBe(
      ['1.tar', '2.tar', '3.tar', '4.tar', 'key', 'list'].map((kept) => `node_modules.${kept}\n`).join(''),
    )
  })

  it('is taken by the platform part by part, and has every file once and every directory before it', async () => {
    const [facts, names] = [{ bytes: 0, files: 0 }, [] as string[]]
    for (const part of [1, 2, 3, 4]) {
      const tar = await readFile(join(directory, `cache/trees/node_modules.${part}.tar`))
      const files = treeFiles(Readable.from([tar]), { slugBytes: 2 ** 30, owner: { uid: 1, gid: 1 }, facts })
      const seen = new Set<string>()
      await forEachEntry(Readable.from([await buffer(files)]), ({ header: { name, type } }) => {
        const above = name.replace(/\/?[^/]+\/?$/, '/')
        expect(seen.size === 0 || seen.has(above), `${name} in part ${part}`).toBe(true)
        seen.add(name)
        if (type !== 'directory') names.push(name)
      })
    }
    const found = (await shell(`find app/node_modules ! -type d -print0`)).split('\0').filter(Boolean)
    expect(names.toSorted()).toEqual(found.toSorted())
  })

  it('is the same again when it comes from the cache', async () => {
    const before = await contents('app/node_modules')
    await inApp('rm -r node_modules; restore_tree node_modules the-key')
    expect(await contents('app/node_modules')).toBe(before)
    expect(await said('answers')).toEqual([''])
    expect((await said('tree'))[2]).toBe('4')
    await expect(inApp('restore_tree node_modules another-key')).rejects.toThrow('restore_tree')
  })

  it('is told of at the end alone where nothing of the app may need it', async () => {
    await inApp('keep_tree node_modules the-key maybe')
    expect(await said('answers')).toEqual([''])
    expect((await said('tree'))[2]).toBe('4')
  })

  it('is kept all the same where nobody is to be told', async () => {
    await shell('rm packs/answers; mkdir packs/answers; cd app; keep_tree node_modules the-key; rmdir ../packs/answers')
    expect((await said('tree'))[2]).toBe('4')
  })

  it('is in one part where a directory in it is closed, since once unpacked nothing more gets in', async () => {
    await shell('chmod 555 app/node_modules/b')
    await inApp('keep_tree node_modules the-key')
    expect((await said('tree'))[2]).toBe('1')
    await shell('chmod 755 app/node_modules/b')
  })

  it('is none any more when it was kept by an earlier version', async () => {
    await shell(`cd cache/trees; sed -i 3d node_modules.key; mv node_modules.1.tar node_modules.tar`)
    await expect(inApp('restore_tree node_modules the-key')).rejects.toThrow('restore_tree')
    await inApp('forget_tree node_modules')
    expect(await shell('ls cache/trees')).toBe('')
  })
})
