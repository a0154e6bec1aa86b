import { join } from 'node:path'
import type { AddonHome } from '../backups/restore-addons.ts'
import { createStacks, type Stacks } from '../build/stacks.ts'
import type { Config } from '../config.ts'
import type { Engine, Image } from '../engine/engine.ts'
import { isCode, PaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { Addon } from '../model/addon.ts'
import { serviceNamed, type Service } from '../model/service.ts'
import { usualStack } from '../model/stack.ts'
import { readServices } from '../services/definition.ts'
import { imagesOfService } from '../services/image.ts'
import { openStore } from '../store/open.ts'
import type { Store } from '../store/store.ts'

type Parts = { config: Config; engine: Engine; log: Logger }

export function servicesIn(directories: string[], log: Logger): Service[] {
  return readServices(directories, (err) => log.error({ err }, 'a service cannot be read'))
}

/** What there is of the images of add-ons: none is made for a backup. */
export function findServiceImages({
  config,
  engine,
  log,
  store,
  services,
}: Parts & { store: Pick<Store, 'stackPatches'>; services: Service[] }): (addons: Addon[]) => Promise<Image[]> {
  const none = (): never => {
    throw new PaasError('image_missing', 'It is not made for a backup.')
  }
  const finding = { ...engine, importImage: none, createSandbox: none, createImage: none }
  const { stack } = stacksOf({ config, engine: finding, log }, store)(usualStack)
  // An add-on whose image is not in the backup has it made again where it is restored.
  const leftOut = (err: unknown): Image[] => {
    if (!isCode(err, 'image_missing')) log.warn({ err }, 'the image of a service is left out of the backup')
    return []
  }
  return async (addons) => {
    const found = new Map<string, Image>()
    for (const { service: name, extras, version } of addons) {
      const service = serviceNamed(services, name)
      if (!service) continue
      const made = { service, extras, versions: [version ?? service.version] }
      for (const image of await imagesOfService({ engine: finding, stack }, made).catch(leftOut)) {
        found.set(image.digest, image)
      }
    }
    return [...found.values()]
  }
}

/**
 * The record in a directory that is to become the data directory, and what its add-ons are made
 * with.
 */
export function openAddons({ config, engine, log }: Parts, directory: string): AddonHome & Disposable {
  const store = openStore({ path: join(directory, 'paas.db'), keyPath: join(directory, 'key') })
  const [own = ''] = config.servicesDirectories
  return {
    engine,
    store,
    stacks: stacksOf({ config, engine, log }, store),
    services: servicesIn([own, join(directory, 'services')], log),
    config,
    // What they print is for the worker's log, which there is none of yet.
    collector: { follow: () => undefined },
    log,
    [Symbol.dispose]: () => store[Symbol.dispose](),
  }
}

function stacksOf({ config, engine }: Parts, store: Pick<Store, 'stackPatches'>): Stacks {
  const patchOf = (name: string): string | undefined => store.stackPatches.newest(name)?.snapshot
  return createStacks({ engine, config, patchOf })
}
