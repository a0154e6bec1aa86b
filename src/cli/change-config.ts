import { awaitRelease } from './await-release.ts'
import type { Client } from './client.ts'
import type { AppOptions } from './command.ts'
import { earlierRelease } from './earlier-release.ts'
import { note, print, progress } from './output.ts'
import type { ConfigVars } from '../model/release.ts'
import type { ReleaseJson } from './resources/apps.ts'

export type ChangeOptions = AppOptions & { wait: boolean }
export type ConfigTarget = { api: Client; app: string; path: string }

/**
 * Sets and, with null, unsets config vars, and waits until the release of it serves.
 * @throws release_failed
 */
export async function changeConfig(
  what: string,
  vars: Record<string, string | null>,
  { api, app, path }: ConfigTarget,
  options: ChangeOptions,
): Promise<void> {
  const before = await newestRelease(api, path)
  const result = await progress(`${what} of ${app}`, api.patch<ConfigVars>(`${path}/config-vars`, vars))
  const release = await newestRelease(api, path)
  if (release === undefined || release.version === before?.version) note('Nothing changed, so there is no new release.')
  else await follow(release)
  print(options, result, () => '')

  async function follow({ version }: ReleaseJson): Promise<void> {
    if (options.wait)
      await awaitRelease(api, { app, path }, version, `Restarting ${app} as v${version}`).catch(takenBack)
    else note(`Made release v${version}.`)
    const previous = await earlierRelease(api, path, version, isNoFailure)
    if (previous) note(`Undo with: paas rollback v${previous.version} -a ${app}`)
  }

  async function takenBack(cause: unknown): Promise<never> {
    const now = await api.get<ConfigVars>(`${path}/config-vars`)
    if (Object.entries(vars).some(([key, value]) => (now[key] ?? null) !== value)) note('The change was reverted.')
    throw cause
  }
}

async function newestRelease(api: Client, path: string): Promise<ReleaseJson | undefined> {
  const [newest] = await api.get<ReleaseJson[]>(`${path}/releases`, 'version ..; order=desc,max=1')
  return newest
}

function isNoFailure({ status, superseded_by: by }: ReleaseJson): boolean {
  return status !== 'failed' && !by
}
