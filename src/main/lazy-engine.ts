import type { connectDocker } from '../engine/docker/docker.ts'
import type { Engine } from '../engine/engine.ts'

/** Connects at the first question: the client takes 15 MiB of memory, and an api that nobody asks for dynos needs none. */
export function lazyEngine(options: Parameters<typeof connectDocker>[0]): Pick<Engine, 'listDynos'> {
  let engine: Promise<Engine> | undefined
  const connect = async (): Promise<Engine> => (await import('../engine/docker/docker.ts')).connectDocker(options)
  return { listDynos: async (filter) => (await (engine ??= connect())).listDynos(filter) }
}
