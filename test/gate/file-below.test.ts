import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBelow } from '../../src/gate/file-below.ts'

let root: string
let below: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'paas-below-'))
  below = join(root, 'below')
  await mkdir(join(below, 'a/b'), { recursive: true })
  await mkdir(join(root, 'others'))
  await writeFile(join(below, 'a/b/file'), 'its own')
  await writeFile(join(root, 'others/file'), 'of others')
  await symlink(join(root, 'others'), join(below, 'a/link'))
  await symlink('../../../others/file', join(below, 'a/b/link'))
  await promisify(execFile)('mkfifo', [join(below, 'a/pipe')])
})
afterAll(() => rm(root, { recursive: true }))

async function contentOf(path: string): Promise<string | undefined> {
  await using file = await openBelow(below, path)
  return await file?.readFile('utf8')
}

const none = [
  'a/link/file',
  'a/b/link',
  'a/../../others/file',
  'a//b/file',
  './a/b/file',
  '/a/b/file',
  'a/b',
  'a/pipe',
  'a/none',
  '',
]

describe('a file below a directory of strangers', () => {
  it('is opened where it is', async () => {
    expect(await contentOf('a/b/file')).toBe('its own')
  })

  it.each(none)('is none by way of a link, upwards, or where there is none: %j', async (path) => {
    expect(await contentOf(path)).toBeUndefined()
  })

  it('is never one of others, while a directory on the way turns into a link', async () => {
    let isOver = false
    const turning = (async () => {
      while (!isOver) {
        await rename(join(below, 'a/b'), join(below, 'a/kept'))
        await symlink(join(root, 'others'), join(below, 'a/b'))
        await rm(join(below, 'a/b'))
        await rename(join(below, 'a/kept'), join(below, 'a/b'))
      }
    })()
    const found = new Set<string | undefined>()
    for (let i = 0; i < 2000; i++) found.add(await contentOf('a/b/file'))
    isOver = true
    await turning
    expect(found).toContain('its own')
    expect(found).not.toContain('of others')
  })
})
