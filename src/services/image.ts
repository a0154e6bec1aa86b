import { createHash } from 'node:crypto'
import type { Stack } from '../build/stack/stack.ts'
import { filesUnder, tarOf } from '../build/stack/image-files.ts'
import type { Engine, Image } from '../engine/engine.ts'
import { packagesOf, type Service } from '../model/service.ts'

/** Where an image has the programs of its service. */
export const programsAt = '/usr/lib/paas/service'

type Deps = { engine: Pick<Engine, 'findImage' | 'createImage'>; stack: Stack }

type Made = { service: Service; extras: string[]; versions: string[] }

/**
 * The image of a service: the stack's run image with its Debian packages, and its programs as one
 * layer. Named by what is in it, made on first use and kept.
 * @param versions of the service: two while one becomes the other
 */
export async function serviceImage(deps: Deps, made: Made, onProgress: (line: string) => void): Promise<Image> {
  const [, image] = await imagesOfService(deps, made, onProgress)
  return image
}

/** What it is made on, too. */
export async function imagesOfService(
  { engine, stack }: Deps,
  { service, extras, versions }: Made,
  onProgress: (line: string) => void = () => undefined,
): Promise<[base: Image, image: Image]> {
  const packages = versions.flatMap((version) => packagesOf(service, version, extras))
  const isDebians = versions.every((version) => version === service.version)
  const base = isDebians
    ? await stack.runImage(packages, onProgress)
    : await stack.sourcedImage(packages, service.newer, onProgress)
  const files = [...filesUnder(service.directory, programsAt.slice(1))]
  const hash = createHash('sha256').update(base.digest)
  for (const { name, mode, content } of files) hash.update(JSON.stringify([name, mode])).update(content)
  const reference = `paas/service-${service.family}:${hash.digest('hex').slice(0, 16)}`
  const options = { base: base.digest, files: tarOf(files), path: '/', config: { labels: {} }, reference }
  return [base, (await engine.findImage(reference)) ?? (await engine.createImage(options))]
}
