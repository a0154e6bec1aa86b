import type { AddonJson } from './resources/data.ts'
import type { Client } from './client.ts'

export type AddonTarget = { api: Client; app: string }

/**
 * The add-on that a word means in an app: its name or id, an attachment's name, a config var, or a
 * service of which there is one.
 */
export async function addonCalled({ api, app }: AddonTarget, name: string): Promise<AddonJson> {
  const [found] = await api.post<AddonJson[]>('/actions/addons/resolve', { addon: name, app })
  return found!
}

export function pathOf({ id }: Pick<AddonJson, 'id'>): string {
  return `/addons/${encodeURIComponent(id)}`
}
