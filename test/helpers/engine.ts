import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Removes all that one server made on the Docker Engine, found by its label; nothing else. */
export async function removeFromEngine(serverId: string): Promise<void> {
  const label = ['--filter', `label=paas.server=${serverId}`]
  await remove(['ps', '--all', '--quiet', ...label], ['rm', '--force', '--volumes'])
  await remove(['network', 'ls', '--quiet', ...label], ['network', 'rm'])
  await remove(['volume', 'ls', '--quiet', ...label], ['volume', 'rm', '--force'])
  // By name: an image that others were made on is then removed with the last of them.
  await remove(['images', '--format', '{{.Repository}}:{{.Tag}}', ...label], ['rmi', '--force'])
}

async function remove(list: string[], command: string[]): Promise<void> {
  const { stdout } = await run('docker', list)
  const ids = [...new Set(stdout.split('\n').filter(Boolean))]
  if (ids.length > 0) await run('docker', [...command, ...ids])
}
