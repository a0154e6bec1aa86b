import type { Client } from './client.ts'
import type { ReleaseJson } from './resources/apps.ts'

/** The newest release before `version` that fits; undefined when none does. */
export async function earlierRelease(
  api: Client,
  path: string,
  version: number,
  fits: (release: ReleaseJson) => boolean,
): Promise<ReleaseJson | undefined> {
  const before = api.parts<ReleaseJson[]>(`${path}/releases`, `version ]${version}..; order=desc`)
  for await (const releases of before) {
    const found = releases.find(fits)
    if (found) return found
  }
  return undefined
}
