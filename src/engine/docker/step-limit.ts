import { statusOf, type DockerDeps } from './client.ts'
import { openEvents } from './events.ts'
import { namePrefix } from './names.ts'

/**
 * Docker's builder takes no limit of processes, so each step's container gets it as soon as it joins the build
 * network, which is before its process starts; the change itself waits for the start.
 */
export async function limitSteps(deps: DockerDeps, network: string, pids: number, signal: AbortSignal): Promise<void> {
  await using changes = await openEvents(deps, { type: ['network'], network: [network], event: ['connect'] }, signal)
  for await (const { Actor } of changes.events()) {
    const id = Actor.Attributes['container']
    if (id !== undefined) await limitProcesses(deps, id, pids)
  }
}

/** A step that is over already is fine; a sandbox of ours has limits of its own. */
async function limitProcesses({ docker, log }: DockerDeps, id: string, pids: number): Promise<void> {
  const container = docker.getContainer(id)
  try {
    const { Name } = await container.inspect()
    if (!Name.startsWith(`/${namePrefix}`)) await container.update({ PidsLimit: pids })
  } catch (error) {
    if (statusOf(error) === undefined) throw error
    log.debug({ error, container: id }, 'a step ended before its limit was set')
  }
}
