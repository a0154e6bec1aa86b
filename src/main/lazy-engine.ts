import type { Toolbox } from '../build/toolbox.ts'
import type { Config } from '../config.ts'
import type { connectDocker } from '../engine/docker/docker.ts'
import type { Engine } from '../engine/engine.ts'

type Options = Parameters<typeof connectDocker>[0] & Pick<Config, 'cacheDirectory' | 'certificateFiles'>
type Lazy = {
  engine: Pick<Engine, 'machine' | 'listDynos' | 'removeCache' | 'appendLayer' | 'readImage'>
  toolbox: Pick<Toolbox, 'uploadImage'>
}

/** Connects at the first question: the client takes 15 MiB of memory, and an api that nobody asks for dynos needs none. */
export function lazyEngine(options: Options): Lazy {
  let engine: Promise<Engine> | undefined
  const connected = (): Promise<Engine> => (engine ??= connect(options))
  let toolbox: Promise<Toolbox> | undefined
  return {
    engine: {
      machine: async () => (await connected()).machine(),
      listDynos: async (filter) => (await connected()).listDynos(filter),
      removeCache: async (appId) => (await connected()).removeCache(appId),
      appendLayer: async (layer) => (await connected()).appendLayer(layer),
      readImage: async (...image) => (await connected()).readImage(...image),
    },
    toolbox: {
      uploadImage: async (onProgress) =>
        (await (toolbox ??= makeToolbox(await connected(), options))).uploadImage(onProgress),
    },
  }
}

async function connect(options: Options): Promise<Engine> {
  return (await import('../engine/docker/docker.ts')).connectDocker(options)
}

async function makeToolbox(engine: Engine, config: Options): Promise<Toolbox> {
  const [{ createStack }, { createToolbox }] = await Promise.all([
    import('../build/stack/debian.ts'),
    import('../build/toolbox.ts'),
  ])
  return createToolbox({ engine, stack: createStack({ engine, config }) })
}
