import { rm } from 'node:fs/promises'
import { sourcePath } from '../model/source.ts'
import type { Store } from '../store/store.ts'

/**
 * Removes uploaded tarballs whose time is over, but for those that a build still has to take up.
 */
export async function sweepSources(
  { store, directory }: { store: Pick<Store, 'builds' | 'sources'>; directory: string },
  now = new Date(),
): Promise<void> {
  const needed = new Set(
    store.builds.listUnfinished().flatMap(({ id }) => {
      const from = store.builds.source(id)?.from
      return from?.kind === 'upload' ? [from.id] : []
    }),
  )
  for (const { id } of store.sources.listExpired(now).filter((source) => !needed.has(source.id))) {
    const path = sourcePath(directory, id)
    await rm(path, { force: true })
    await rm(`${path}.part`, { force: true })
    store.sources.remove(id)
  }
}
