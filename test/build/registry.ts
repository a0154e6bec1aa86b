import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BuiltLayer } from '../engine/support.ts'

const mediaType = 'application/vnd.docker.distribution.manifest.v2+json'

/** A registry whose every image has this layer (OCI distribution specification, "Pull"), as containers may reach it. */
export async function startRegistry({ content, diffId }: Pick<BuiltLayer, 'content' | 'diffId'>) {
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { Env: ['FETCHED=yes'], Cmd: ['/x'] },
      rootfs: { type: 'layers', diff_ids: [diffId] },
    }),
  )
  const part = (kind: string, bytes: Buffer) => {
    return { mediaType: `application/vnd.docker.${kind}`, size: bytes.length, digest: digestOf(bytes) }
  }
  const layers = [part('image.rootfs.diff.tar.gzip', content)]
  const manifest = { schemaVersion: 2, mediaType, config: part('container.image.v1+json', config), layers }
  const blobs = new Map([config, content].map((bytes) => [digestOf(bytes), bytes]))
  const server = createServer(({ url = '' }, response) => {
    if (url.includes('/manifests/')) response.setHeader('content-type', mediaType).end(JSON.stringify(manifest))
    else response.end(blobs.get(url.split('/').at(-1) ?? '') ?? '{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  const { port } = server.address() as AddressInfo
  const name = `host.docker.internal:${port}`
  return {
    name,
    settings: { PAAS_ALLOW_HOST: String(port), PAAS_REGISTRIES: `http://${name}` },
    [Symbol.asyncDispose]: async () => void server.close(),
  }
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
