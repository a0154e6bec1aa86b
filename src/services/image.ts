import { createHash } from 'node:crypto'
import type { Stack } from '../build/stack/stack.ts'
import { filesUnder, tarOf } from '../build/stack/image-files.ts'
import type { Engine, Image } from '../engine/engine.ts'
import type { Service } from '../model/service.ts'

/** Where an image has the programs of its service. */
export const programsAt = '/usr/lib/paas/service'

type Deps = { engine: Pick<Engine, 'findImage' | 'createImage'>; stack: Stack }

type Made = { service: Service; extras: string[] }

/**
 * The image of a service: the stack's run image with its Debian packages, and its programs as one
 * layer. Named by what is in it, made on first use and kept.
 */
export async function serviceImage(deps: Deps, made: Made, onProgress: (line: string) => void): Promise<Image> {
  const [, image] = await imagesOfService(deps, made, onProgress)
  return image
}

/** What it is made on, too. */
export async function imagesOfService(
  { engine, stack }: Deps,
  { service, extras }: Made,
  onProgress: (line: string) => void = () => undefined,
): Promise<[base: Image, image: Image]> {
  const more = extras.flatMap((name) => service.extras[name] ?? [])
  const base = await stack.runImage([...service.packages, ...more], onProgress)
  const files = [...filesUnder(service.directory, programsAt.slice(1))]
  const hash = createHash('sha256').update(base.digest)
  for (const { name, mode, content } of files) hash.update(JSON.stringify([name, mode])).update(content)
  const reference = `paas/service-${service.family}:${hash.digest('hex').slice(0, 16)}`
  const options = { base: base.digest, files: tarOf(files), path: '/', config: { labels: {} }, reference }
  return [base, (await engine.findImage(reference)) ?? (await engine.createImage(options))]
}
