import { statusOf, type DockerDeps } from './client.ts'
import { watchDisk } from './disk-watch.ts'
import { openEvents } from './events.ts'
import type { Limits } from '../engine.ts'
import { namePrefix } from './names.ts'

type Guarded = { network: string; limits: Limits }

/**
 * Docker's builder knows no limit of processes or disk, so each step's container gets them as soon as it joins the
 * build network, which is before its process starts; the change itself waits for the start. Ends with the signal.
 * @throws build_failed when a step wrote more than it may
 */
export async function guardSteps(deps: DockerDeps, { network, limits }: Guarded, signal: AbortSignal): Promise<void> {
  const filters = { type: ['network'], network: [network], event: ['connect'] }
  await using changes = await openEvents(deps, filters, signal)
  const overfull = Promise.withResolvers<never>()
  const guarding = (async () => {
    for await (const { Actor } of changes.events()) {
      const id = Actor.Attributes['container']
      if (id !== undefined) guardStep(deps, id, limits, signal).catch(overfull.reject)
    }
  })()
  await Promise.race([guarding, overfull.promise])
}

/** A step that is over already is fine; a sandbox of ours has limits of its own. */
async function guardStep({ docker, log }: DockerDeps, id: string, limits: Limits, signal: AbortSignal): Promise<void> {
  const container = docker.getContainer(id)
  try {
    const { Name } = await container.inspect()
    if (Name.startsWith(`/${namePrefix}`)) return
    await container.update({ PidsLimit: limits.pids })
    await watchDisk({ container, limitMiB: limits.diskMiB ?? Infinity }, signal)
  } catch (error) {
    if (statusOf(error) === undefined) throw error
    log.debug({ error, container: id }, 'a step ended while it was looked at')
  }
}
