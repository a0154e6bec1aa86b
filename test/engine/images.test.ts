import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '../../src/engine/engine.ts'
import { openFiles } from '../helpers/descriptors.ts'
import { docker, shell, tar, testEngine, type TestEngine } from './support.ts'

let server: TestEngine
beforeAll(async () => {
  server = await testEngine()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

const slug = (content: string): Omit<Parameters<Engine['createImage']>[0], 'path'> => ({
  base: server.image,
  files: tar(
    [{ name: 'app/bin', type: 'directory', mode: 0o750, uid: 1000, gid: 1000 }],
    [{ name: 'app/bin/run', mode: 0o4755, uid: 1234, gid: 4321 }, content],
    [{ name: 'app/link', type: 'symlink', linkname: '/etc/passwd', uid: 1000, gid: 1000 }],
  ),
  config: { labels: { 'paas.app': server.appId, 'org.opencontainers.image.revision': 'c0ffee $HOME "quoted"' } },
})

/** The two ways to an image; both have to give the same. */
const ways = {
  'unpacked on its base': (options: ReturnType<typeof slug>) => server.engine.createImage({ ...options, path: '/' }),
  'of a layer that is loaded': ({ files, ...options }: ReturnType<typeof slug>) =>
    server.engine.appendLayer({ ...options, layer: files }),
}

describe.each(Object.entries(ways))('an image %s', (_, make) => {
  it('is its base plus one layer, with the owners and modes of the tar', async () => {
    const image = await make(slug('one'))
    const layersOf = async (name: string) =>
      JSON.parse(await docker('inspect', '--format', '{{json .RootFS.Layers}}', name)) as string[]
    expect((await layersOf(image.digest)).slice(0, -1)).toEqual(await layersOf(server.image))
    await using sandbox = await server.sandbox({ image: image.digest, user: 'root', trusted: true })
    const { output } = await shell(
      sandbox,
      'stat -c "%n %u %g %a %F" /app/bin /app/bin/run /app/link; cat /app/bin/run',
    )
    expect(output.split('\n')).toEqual([
      '/app/bin 1000 1000 750 directory',
      '/app/bin/run 1234 4321 4755 regular file',
      '/app/link 1000 1000 777 symbolic link',
      'one',
    ])
  })

  it('has its digest, its labels, ours, and a name that keeps it from being pruned', async () => {
    const image = await make(slug('two'))
    expect(image).toMatchObject({
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      references: [expect.stringMatching(/^paas-/)],
      labels: {
        'paas.app': server.appId,
        'paas.server': server.serverId,
        'paas.kind': 'image',
        'org.opencontainers.image.revision': 'c0ffee $HOME "quoted"',
      },
      sizeBytes: expect.any(Number),
      exposedPorts: [],
    })
    expect(await server.engine.findImage(image.digest)).toEqual(image)
  })

  it('has the configuration given, the rest is its base’s', async () => {
    const config = {
      labels: {},
      env: { A: 'b=c' },
      command: ['/bin/run', 'x y'],
      user: 'app',
      workingDirectory: '/srv',
    }
    const { digest } = await make({ ...slug('three'), config })
    const format =
      '{{json .Config.Cmd}} {{json .Config.Entrypoint}} {{.Config.User}} {{.Config.WorkingDir}} {{json .Config.Env}}'
    const found = await docker('inspect', '--format', format, digest)
    expect(found).toMatch(/^\["\/bin\/run","x y"\] (null|\[\]) app \/srv/)
    expect(found).toContain('"A=b=c"')
    expect(found).toContain('"LANG=C.UTF-8"')
  })

  it('fails when its source fails, with its own error, and leaves nothing', async () => {
    const before = await server.engine.listImages()
    const files = new Readable({ read() {} })
    const making = make({ ...slug('x'), files })
    files.push(Buffer.alloc(512))
    setImmediate(() => files.destroy(new Error('the slug is too large')))
    await expect(making).rejects.toThrow('the slug is too large')
    expect(await server.engine.listImages()).toEqual(before)
    await expect.poll(() => docker('ps', '-aq', '--filter', `label=paas.server=${server.serverId}`)).toBe('')
  })

  it('is refused when it is no tar', async () => {
    const files = createReadStream('/proc/self/exe', { end: 100_000 })
    await expect(make({ ...slug('x'), files })).rejects.toThrow(/tar|unexpected EOF/i)
  })
})

it('an image has the files of its layer in the directories of its base', async () => {
  const owner = { uid: 1000, gid: 1000 }
  const layer = tar(
    [{ name: 'app', type: 'directory', mode: 0o755, ...owner }],
    [{ name: 'app/new', mode: 0o644, ...owner }, 'new'],
    [{ name: 'app/.wh.old', mode: 0o644, ...owner }, ''],
  )
  const { digest } = await server.engine.appendLayer({ base: server.image, layer, config: { labels: {} } })
  await using sandbox = await server.sandbox({ image: digest })
  const { output } = await shell(
    sandbox,
    'touch /app/mine; ls -A /app; stat -c "%n %U %a" /app; id -un; ls -d /usr/bin/env',
  )
  expect(output.split('\n')).toEqual(['mine', 'new', '/app app 755', 'app', '/usr/bin/env'])
})

it('a layer of a known length is the same image as one that ends when it ends', async () => {
  const files = async () =>
    buffer(tar([{ name: 'app', type: 'directory', uid: 1000, gid: 1000 }], [{ name: 'app/x' }, 'x']))
  const bytes = (await files()).length
  const config = () => ({ labels: { 'paas.test': 'known' } })
  const layer = Readable.from([await files()])
  const { digest } = await server.engine.appendLayer({ base: server.image, layer, bytes, config })
  await using sandbox = await server.sandbox({ image: digest })
  expect((await shell(sandbox, 'cat /app/x; ls -d /usr/bin/env')).output).toBe('x/usr/bin/env')
  expect(await docker('image', 'inspect', '--format', '{{index .Config.Labels "paas.test"}}', digest)).toBe('known')
  const before = await server.engine.listImages()
  const cut = new Readable({ read: () => void cut.destroy(new Error('cut')) })
  const short = Readable.from([(await files()).subarray(0, 600)])
  for (const broken of [cut, short])
    await expect(server.engine.appendLayer({ base: server.image, layer: broken, bytes, config })).rejects.toThrow(
      /cut|abort|size/i,
    )
  const gone = { base: 'gone', layer: Readable.from([await files()]), bytes, config }
  await expect(server.engine.appendLayer(gone)).rejects.toThrow(/gone|no such image/i)
  expect(gone.layer.destroyed).toBe(true)
  expect(await server.engine.listImages()).toEqual(before)
})

it.each([
  ['a link to a file that is not in it', { name: 'app/link', type: 'link', linkname: 'app/gone' }],
  ['a link that leads out', { name: 'app/link', type: 'link', linkname: '../../../etc/passwd' }],
  ['a name no file system takes', { name: `app/${'x'.repeat(300)}` }],
] as const)('a layer with %s is the app’s failure, in the engine’s words', async (_, header) => {
  const before = await server.engine.listImages()
  const layer = tar([{ ...header, size: 0 }])
  const making = server.engine.appendLayer({ base: server.image, layer, config: { labels: {} } })
  await expect(making).rejects.toMatchObject({
    code: 'build_failed',
    message: expect.stringMatching(/^build failed: its files cannot be stored as an image: (?!.*\/snapshots\/)/),
  })
  expect(await server.engine.listImages()).toEqual(before)
})

it('a layer is let go of, whether its image was made, it broke off, or the engine refused it', async () => {
  const base = server.image
  const made = tar([{ name: 'app/file' }, 'x'])
  await server.engine.appendLayer({ base, layer: made, config: { labels: {} } })
  const broken = new Readable({ read: () => void broken.destroy(new Error('cut')) })
  const refused = createReadStream('/proc/self/exe', { end: 100_000 })
  for (const layer of [broken, refused]) {
    await expect(server.engine.appendLayer({ base, layer, config: { labels: {} } })).rejects.toThrow(/cut|tar|EOF/)
  }
  const gone = { base: 'gone', layer: tar([{ name: 'app/file' }, 'x']), config: { labels: {} } }
  await expect(server.engine.appendLayer(gone)).rejects.toThrow(/gone|no such image/i)
  expect(openFiles(process.pid).filter((path) => path.includes('/layer-'))).toEqual([])
})

it('images are listed by app, and removed by digest with all their names', async () => {
  await using other = await testEngine()
  const image = await server.engine.appendLayer({
    base: server.image,
    layer: slug('five').files,
    config: slug('five').config,
  })
  await docker('tag', image.digest, `${server.serverId}:second`)
  expect((await server.engine.listImages({ appId: server.appId })).map(({ digest }) => digest)).toContain(image.digest)
  expect(await other.engine.listImages()).toEqual([])
  expect(await server.engine.listImages({ appId: other.appId })).toEqual([])
  await expect(other.engine.removeImage(image.digest)).rejects.toMatchObject({ code: 'forbidden' })
  await server.engine.removeImage(image.digest)
  await server.engine.removeImage(image.digest)
  expect(await server.engine.findImage(image.digest)).toBeUndefined()
  expect(await server.engine.findImage(server.image)).toBeDefined()
})

it('an imported image is a root file system with the labels given, and no server’s', async () => {
  const reference = `import-${server.serverId}:1`
  const labels = { 'paas.stack': 'test $HOME "x"' }
  const rootfs = Readable.from([await buffer(tar([{ name: 'etc/hello' }, 'hello']))])
  const image = await server.engine.importImage(rootfs, { reference, labels })
  try {
    expect(image).toMatchObject({ references: [reference], labels })
    expect(await server.engine.findImage(reference)).toEqual(image)
  } finally {
    await docker('rmi', image.digest)
  }
})

it('an image that is not there is not found', async () => {
  expect(await server.engine.findImage('no-such-image:latest')).toBeUndefined()
})
