import type { connectDocker } from '../engine/docker/docker.ts'
import type { Engine } from '../engine/engine.ts'

/** Connects at the first question: the client takes 15 MiB of memory, and an api that nobody asks for dynos needs none. */
export function lazyEngine(options: Parameters<typeof connectDocker>[0]): Pick<Engine, 'listDynos' | 'removeCache'> {
  let engine: Promise<Engine> | undefined
  const connect = async (): Promise<Engine> => (await import('../engine/docker/docker.ts')).connectDocker(options)
  const connected = (): Promise<Engine> => (engine ??= connect())
  return {
    listDynos: async (filter) => (await connected()).listDynos(filter),
    removeCache: async (appId) => (await connected()).removeCache(appId),
  }
}
