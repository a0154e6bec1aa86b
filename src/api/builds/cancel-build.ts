import type { Build } from '../../model/build.ts'
import type { ApiDeps } from '../deps.ts'

/** Cancels a waiting build; tells a running one to stop. Returns the build as it is then. */
export async function cancelBuild(
  { store, queue, log }: Pick<ApiDeps, 'store' | 'queue' | 'log'>,
  build: Build,
): Promise<Build> {
  const { id } = store.builds.requestCancel(build.id) ?? build
  // The worker also looks at the database, so a lost message only delays the end. It also ends
  // the output of a build that was still queued.
  await queue.cancel(id).catch((cause: unknown) => log.warn({ err: cause, build: id }, 'cancel not sent'))
  return store.builds.find(id) ?? build
}
