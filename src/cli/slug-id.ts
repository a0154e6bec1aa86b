import type { Client } from './client.ts'
import { fullId } from './ids.ts'
import type { ReleaseJson } from './resources/apps.ts'

/**
 * The full id of a slug, by the beginning of it if a release of the app has it.
 * @throws not_found
 */
export function fullSlugId(api: Client, { app, path }: { app: string; path: string }, given: string): Promise<string> {
  const all = async (): Promise<{ id: string }[]> =>
    (await api.get<ReleaseJson[]>(`${path}/releases`)).flatMap(({ slug }) => slug ?? [])
  return fullId(given, { what: 'slug', see: `paas releases --json -a ${app}`, all })
}
