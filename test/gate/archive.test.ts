import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { describeImage, layerType, type LayersBelow } from '../../src/engine/docker/image-archive.ts'
import { imageName } from '../../src/engine/docker/names.ts'
import { blobPath } from '../../src/engine/docker/saved-image.ts'
import { label } from '../../src/engine/labels.ts'
import { checkedArchive, type MissingLayers } from '../../src/gate/archive.ts'
import { Refused } from '../../src/gate/refused.ts'
import { extract, pack, type Header } from '../../src/tar.ts'

const serverId = 'a1b2c3d4e5f6'
const owner = { serverId, ancestors: [], runtime: undefined, network: { firewall: true, allow: [], host: [] } }
const layer = 'files of the app'
const diffId = sha256(layer)
const known = `sha256:${'1'.repeat(64)}`
const unknown = `sha256:${'2'.repeat(64)}`
const blobs = [{ mediaType: layerType, digest: `sha256:${'3'.repeat(64)}`, size: 10 }]
const ofContainerd = { below: { diffIds: [known], blobs } }
const foreignBlobs = [{ mediaType: layerType, digest: `sha256:${'4'.repeat(64)}`, size: 10 }]
/** The engine has the layer `diffId` of another's, and does not look at what is here in its place. */
const forged = Buffer.from('anything')
const long = Buffer.alloc(5 * 2 ** 20, 'anything')

type Entry = [Partial<Header> & { name: string }, string]
/** `content`: of the layer's file, which is of a builder if it has another name than its digest. */
type Image = { reference?: string; below?: LayersBelow; config?: object; content?: Buffer; file?: string }

function sha256(text: string | Buffer): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

function configOf(labels: object, below = known): object {
  return { config: { Labels: labels }, rootfs: { type: 'layers', diff_ids: [below, diffId] } }
}

/** As the worker writes one, of a layer that the engine has and one that comes. */
async function written({
  reference = imageName(serverId),
  below = { diffIds: [known], blobs: undefined },
  config,
  content = Buffer.from(layer),
  file = blobPath(sha256(content)),
}: Image = {}) {
  const archive = pack()
  archive.entry({ name: file }, content)
  const own = [{ blob: { mediaType: layerType, digest: sha256(content), size: content.length }, file }]
  const text = JSON.stringify(config ?? configOf({ [label.server]: serverId }))
  describeImage(archive, { config: text, reference, below, own })
  return entriesOf(await buffer(Readable.from(archive)))
}

async function entriesOf(tar: Buffer): Promise<Entry[]> {
  const reader = extract()
  Readable.from([tar]).pipe(reader)
  const entries: Entry[] = []
  for await (const entry of reader) {
    const content = await buffer(entry)
    entries.push([{ name: entry.header.name }, content.toString('latin1')])
  }
  return entries
}

async function passed(given: Entry[]): Promise<Entry[]> {
  const archive = pack()
  for (const [header, content] of given) archive.entry({ ...header } as Header, Buffer.from(content, 'latin1'))
  archive.finalize()
  const areKnown = ({ diffIds, blobs: given = blobs.map(({ digest }) => digest) }: MissingLayers) =>
    Promise.resolve(diffIds.join() === known && given.join() === blobs[0]?.digest)
  return entriesOf(await buffer(checkedArchive(Readable.from(archive), { owner, areKnown })))
}

it('an image of the server passes the gate, for either store of the engine', async () => {
  const ofBuilder = { content: gzipSync(layer), file: `layers/${'5'.repeat(64)}` }
  const sent = { file: `tars/${'6'.repeat(64)}` }
  for (const image of [{}, sent, ofContainerd, ofBuilder, { ...ofBuilder, ...ofContainerd }]) {
    const entries = await written(image)
    expect(await passed(entries)).toEqual(entries)
  }
})

const replaced = async (from: string | RegExp, to: string): Promise<Entry[]> =>
  (await written()).map(([header, text]) => [header, header.name === 'manifest.json' ? text.replace(from, to) : text])

it.each<[string, () => Promise<Entry[]>]>([
  ['with a name of the stack', () => written({ reference: 'paas/debian-13-run:0123456789abcdef' })],
  ['with another server’s name', () => written({ reference: imageName('another') })],
  [
    'with a foreign name for containerd',
    () => written({ reference: 'postgres:latest', below: { diffIds: [known], blobs } }),
  ],
  ['with a second name', () => replaced('"RepoTags":[', '"RepoTags":["postgres:latest",')],
  ['with a key in other letters', () => replaced('{', '{"repotags":["postgres:latest"],')],
  ['with a layer elsewhere', () => replaced(/"Layers":\["[^"]*"/, '"Layers":["../../etc/shadow"')],
  ['of nobody', () => written({ config: configOf({}) })],
  ['of another server', () => written({ config: configOf({ [label.server]: 'another' }) })],
  ['with two configurations', () => written({ config: { ...configOf({ [label.server]: serverId }), Config: {} } })],
  [
    'with a layer that only its digest names',
    () =>
      written({
        below: { diffIds: [unknown], blobs: undefined },
        config: configOf({ [label.server]: serverId }, unknown),
      }),
  ],
  [
    'with such a layer for containerd',
    () => written({ below: { diffIds: [unknown], blobs }, config: configOf({ [label.server]: serverId }, unknown) }),
  ],
  ['with another content by the name of a layer', () => written({ content: forged })],
  ['with that under the digest of the layer', () => written({ content: forged, file: blobPath(diffId) })],
  ['with a long one', () => written({ content: long })],
  ['with a long one under the digest', () => written({ content: long, file: blobPath(diffId) })],
  ['with another content that was sent', () => written({ content: forged, file: `tars/${'6'.repeat(64)}` })],
  ['with another long one', () => written({ content: long, file: `tars/${'6'.repeat(64)}` })],
  ['with another content for containerd', () => written({ ...ofContainerd, content: forged })],
  ['with one of a builder', () => written({ content: gzipSync(forged), file: `layers/${'5'.repeat(64)}` })],
  ['with one of a builder that is not packed', () => written({ content: forged, file: `layers/${'5'.repeat(64)}` })],
  ['with a foreign blob in place of one below', () => written({ below: { diffIds: [known], blobs: foreignBlobs } })],
  [
    'with another’s configuration by its digest',
    async () =>
      (await written(ofContainerd)).map(([header, text]) => [header, text.replace('"rootfs":{', '"rootfs":{"a":1,')]),
  ],
  ['without its layers', async () => (await written()).slice(1)],
  ['with two manifests', async () => [...(await written()), ...(await written()).slice(-1)]],
  [
    'with a manifest of each format',
    async () => [...(await written()), ...(await written({ below: { diffIds: [known], blobs } })).slice(-2)],
  ],
  [
    'with another list of names',
    async () => [...(await written()), [{ name: 'repositories' }, '{"postgres":{"latest":"x"}}']],
  ],
  [
    'with a link',
    async () => [
      [{ name: blobPath(diffId), type: 'symlink', linkname: '/etc/shadow' }, ''],
      ...(await written()).slice(1),
    ],
  ],
  ['without a manifest', async () => (await written()).slice(0, -1)],
  ['without anything', async () => []],
])('an image %s does not', async (_, given) => {
  await expect(passed(await given())).rejects.toThrow(Refused)
})
