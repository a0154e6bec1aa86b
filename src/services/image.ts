import { createHash } from 'node:crypto'
import type { Stack } from '../build/stack/stack.ts'
import { filesUnder, tarOf } from '../build/stack/image-files.ts'
import type { Engine, Image } from '../engine/engine.ts'
import type { Service } from '../model/service.ts'

/** Where an image has the programs of its service. */
export const programsAt = '/usr/lib/paas/service'

type Deps = { engine: Pick<Engine, 'findImage' | 'createImage'>; stack: Stack }

/**
 * The image of a service: the stack's run image with its Debian packages, and its programs as one
 * layer. Named by what is in it, made on first use and kept.
 */
export async function serviceImage(
  { engine, stack }: Deps,
  { service, extras }: { service: Service; extras: string[] },
  onProgress: (line: string) => void,
): Promise<Image> {
  const more = extras.flatMap((name) => service.extras[name] ?? [])
  const base = await stack.runImage([...service.packages, ...more], onProgress)
  const files = [...filesUnder(service.directory, programsAt.slice(1))]
  const hash = createHash('sha256').update(base.digest)
  for (const { name, mode, content } of files) hash.update(JSON.stringify([name, mode])).update(content)
  const reference = `paas/service-${service.family}:${hash.digest('hex').slice(0, 16)}`
  const found = await engine.findImage(reference)
  if (found) return found
  return engine.createImage({ base: base.digest, files: tarOf(files), path: '/', config: { labels: {} }, reference })
}
