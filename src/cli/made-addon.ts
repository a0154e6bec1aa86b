import { setTimeout as delay } from 'node:timers/promises'
import { PaasError } from '../errors.ts'
import { pathOf } from './addon-names.ts'
import type { Client } from './client.ts'
import type { AddonJson } from './resources/data.ts'

/** @throws addon_failed */
export async function untilMade(api: Client, addon: AddonJson): Promise<AddonJson> {
  for (let now = addon; ; now = await api.get<AddonJson>(pathOf(addon))) {
    if (now.state === 'provisioned') return now
    if (now.state !== 'provisioning')
      throw new PaasError('addon_failed', now.provision_message ?? `${addon.name} is ${now.state}.`)
    await delay(250)
  }
}

export function varsOf({ config_vars: names }: AddonJson): string {
  return names.join(', ')
}
