import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exportSlug } from '../../src/build/export.ts'
import { forEachEntry } from '../../src/tar.ts'
import { never, tar, testEngine, type TestEngine } from '../engine/support.ts'
import { Builder, docker, runIn } from './builder.ts'

let server: TestEngine
const builder = new Builder()
beforeAll(async () => {
  server = await testEngine()
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await builder[Symbol.asyncDispose]()
})

const content = 'x'.repeat(100_000)

/** The slug of one file, of which somebody says how long it can be. */
async function exported(said: (bytes: number) => number | undefined) {
  const base = await server.engine.findImage(server.image)
  if (!base) throw new Error('the run image is gone')
  const slug = await buffer(tar([{ name: 'app', type: 'directory' }], [{ name: 'app/file' }, content]))
  const options = { base, users: 'app:x:1:1::/app:/bin/sh\n', owner: { uid: 5000, gid: 5000 }, labels: {} }
  return exportSlug(
    server.engine,
    { tar: Readable.from([slug]), mostBytes: said(slug.length) },
    { ...options, slugBytes: 10 << 20 },
  )
}

async function fileIn({ digest }: { digest: string }): Promise<string> {
  let found = ''
  const archive = await server.engine.readImage(digest, '/app/file', never)
  if (archive) await forEachEntry(archive, async (entry) => void (found = await text(entry)))
  return found
}

describe('a slug', () => {
  it.each<[string, (bytes: number) => number | undefined]>([
    ['says nothing of its length', () => undefined],
    ['says how long it is', (bytes) => bytes],
    ['says that it may be longer than it is', (bytes) => bytes + 1_000_001],
    ['says that it may be longer than any may be', () => 1e12 - 1],
  ])('that %s is in the image', async (_, said) => {
    const { image, bytes, files } = await exported(said)
    expect([bytes, files]).toEqual([content.length, 2])
    expect(await fileIn(image)).toBe(content)
  })

  it('that is longer than it says fails the build, and leaves no image', async () => {
    const images = await server.engine.listImages()
    await expect(exported((bytes) => bytes / 2)).rejects.toMatchObject({
      code: 'build_failed',
      message: 'build failed: its files are more than it said',
      hint: expect.stringContaining('Push again') as string,
    })
    expect(await server.engine.listImages()).toEqual(images)
  })
})

it('a slug says how long it is at most, whatever names and links are in it', async () => {
  const make = [
    'mkdir -p names/$(printf "d%.0s" $(seq 200))/$(printf "é%.0s" $(seq 100))',
    'cd names',
    'for n in $(seq 300); do echo $n > "d$n-$(printf "ü%.0s" $(seq 40))"; done',
    'for n in $(seq 300); do ln -s "$(printf "t%.0s" $(seq 150))/$n" "link-$n"; done',
    'for n in $(seq 100); do ln "d$n-$(printf "ü%.0s" $(seq 40))" "hard-$n-$(printf "h%.0s" $(seq 120))"; done',
    'truncate --size=3M sparse',
    'mkfifo pipe',
  ].join(' && ')
  const compile = `#!/bin/bash\nset -e\ncd "$1"\n${make}\n`
  await using app = await builder.app({
    Procfile: 'web: x\n',
    'pack/bin/detect': '#!/bin/sh\necho Names\n',
    'pack/bin/compile': compile,
  })
  const result = await app.build({ buildpacks: ['./pack'] })
  const count =
    'cd names; ls | wc -l; cat d7-*; readlink link-9 | wc -c; cat hard-100-*; stat -c %s sparse; ls -d d*/é*'
  const { output } = await runIn(result, count)
  expect(output).toMatch(/^702\n7\n153\n100\n3145728\nd{200}\/é{100}\n$/)
  const { output: images } = await docker('images', '--quiet', '--filter', `label=paas.app=${app.id}`)
  expect(images.trim().split('\n')).toHaveLength(1)
})
