import { execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const mostAttempts = 100

/** Removes all that one server made on the Docker Engine, found by its label, or its name where the builder of Docker sets no label. */
export async function removeFromEngine(serverId: string): Promise<void> {
  const label = ['--filter', `label=paas.server=${serverId}`]
  await remove(['ps', '--all', '--quiet', ...label], ['rm', '--force', '--volumes'])
  await remove(['network', 'ls', '--quiet', ...label], ['network', 'rm'])
  await remove(['volume', 'ls', '--quiet', ...label], ['volume', 'rm', '--force'])
  // By name: an image that others were made on is then removed with the last of them.
  await remove(['images', '--format', '{{.Repository}}:{{.Tag}}', ...label], ['rmi', '--force'])
}

/** Until none is left: what the server itself is just removing cannot be removed, and is gone a moment later. */
async function remove(list: string[], command: string[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { stdout } = await run('docker', list)
    const ids = [...new Set(stdout.split('\n').filter(Boolean))]
    if (ids.length === 0) return
    try {
      await run('docker', [...command, ...ids])
    } catch (error) {
      if (attempt === mostAttempts) throw error
      await delay(100)
    }
  }
}
