import { docker, letGo as letContainerGo } from '../engine/support.ts'
import type { TestApp } from './app.ts'

/** A line of a build script that waits until `letGo`. */
export const untilLetGo = 'while [ ! -e /tmp/go ]; do sleep 0.1; done'

/** Lets the build of the app that is under way go on. */
export async function letGo(app: TestApp): Promise<void> {
  const { body } = await app.api<{ id: string }>('GET', '')
  const filter = ['--filter', `label=paas.app=${body.id}`, '--filter', 'label=paas.kind=sandbox']
  const sandboxes = (await docker('ps', '--quiet', ...filter)).split('\n')
  for (const id of sandboxes.filter(Boolean)) await letContainerGo(id)
}
