import { PaasError } from '../errors.ts'
import type { AppId } from '../model/ids.ts'

/** Bytes that must be free for a build where images and caches are: a build, its slug and cache. */
const leastFree = 2 ** 30

type Used = {
  /** Bytes; undefined where nothing is known of that disk. */
  free: () => Promise<number | undefined>
  /** Removes images that nobody can come back to. */
  sweep: () => Promise<void>
  /** Of all apps, those first that were not built for the longest time. */
  apps: () => AppId[]
  /** @throws cache_in_use */
  removeCache: (appId: AppId) => Promise<void>
}

/**
 * Makes room for a build on the engine's disk, if there is too little: by what is only kept in
 * case, images first, then build caches. What serves, or can be rolled back to, stays.
 * @throws disk_full when it is not enough
 */
export async function makeDiskRoom({ free, sweep, apps, removeCache }: Used): Promise<void> {
  if (await isEnough(free)) return
  await sweep()
  for (const appId of apps()) {
    if (await isEnough(free)) return
    await removeCache(appId).catch(unlessInUse)
  }
  if (await isEnough(free)) return
  const [have, need] = [(await free()) ?? 0, leastFree].map((bytes) => Math.floor(bytes / 2 ** 20))
  throw new PaasError('disk_full', `The disk for builds has ${have} MiB left, and a build needs ${need} MiB.`, {
    hint: 'Destroy apps that nobody needs (paas disk shows what each takes), or ask the operator of the server for more space.',
  })
}

async function isEnough(free: Used['free']): Promise<boolean> {
  const bytes = await free()
  return bytes === undefined || bytes >= leastFree
}

function unlessInUse(cause: unknown): void {
  if (!(cause instanceof PaasError) || cause.code !== 'cache_in_use') throw cause
}
