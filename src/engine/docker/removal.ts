import type Docker from 'dockerode'
import { statusOf, unlessMissing } from './client.ts'

/**
 * Kills and removes a container with its nameless volumes. Resolves when it is gone, even if
 * somebody else removed it.
 */
export async function removeContainer(container: Docker.Container): Promise<void> {
  try {
    await container.remove({ force: true, v: true })
  } catch (error) {
    if (statusOf(error) === 404) return
    if (statusOf(error) !== 409) throw error
    await unlessMissing(container.wait({ condition: 'removed' }))
  }
}
