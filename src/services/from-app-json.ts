import { setTimeout as delay } from 'node:timers/promises'
import { PaasError } from '../errors.ts'
import type { Addon } from '../model/addon.ts'
import type { AskedAddonOfApp } from '../model/app-json.ts'
import type { App } from '../model/app.ts'
import type { AccountId, AddonId } from '../model/ids.ts'
import type { Narrator } from '../model/narrator.ts'
import { planNamed, serviceNamed, type Service } from '../model/service.ts'
import type { Store } from '../store/store.ts'
import { createAddon } from './create-addon.ts'

/** Milliseconds between two looks whether they are made. */
const pace = 100

type Deps = Parameters<typeof createAddon>[0] & { wake: () => void }
type Output = Pick<Narrator, 'topic' | 'error'>

/**
 * Makes the add-ons that the app.json of a new app asks for, and waits until they are there; those
 * that an earlier attempt made are found again. A service that there is not is said, not refused:
 * most files name some that only Heroku sells. An unknown plan of a known one becomes the usual.
 * @throws addon_failed, addons_limit, name_taken, or the signal's reason
 */
export async function provideAddons(
  deps: Deps,
  { app, accountId, asked }: { app: App; accountId: AccountId; asked: AskedAddonOfApp[] },
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const { store, wake } = deps
  const present = store.addons.list(app.id)
  for (const one of asked) {
    const known = planFor(deps.services, one, output)
    if (!known) continue
    const earlier = present.findIndex(({ service }) => service === known.service)
    if (earlier >= 0) present.splice(earlier, 1)
    else createAddon(deps, app, { plan: `${known.name}:${known.plan}`, as: one.as ?? undefined, accountId })
  }
  wake()
  for (const { id, name } of store.addons.list(app.id)) {
    output.topic(`Waiting for the add-on ${name}`)
    await untilMade(store, id, signal)
  }
}

function planFor(
  services: Service[],
  { plan: asked }: AskedAddonOfApp,
  output: Output,
): { service: string; name: string; plan: string } | undefined {
  const [name = '', wanted] = asked.split(':', 2)
  const service = serviceNamed(services, name)
  const shown = JSON.stringify(asked.slice(0, 60))
  if (!service) {
    output.error(`app.json asks for the add-on ${shown}; this server has no such service.`)
    return undefined
  }
  const plan = planNamed(service, wanted) ?? planNamed(service, undefined)
  if (!plan) return undefined
  if (wanted !== undefined && plan.name !== wanted)
    output.error(`app.json asks for the add-on ${shown}; there is no such plan, so it gets ${plan.name}.`)
  return { service: service.name, name, plan: plan.name }
}

/** @throws addon_failed */
async function untilMade({ addons }: Pick<Store, 'addons'>, id: AddonId, signal: AbortSignal): Promise<void> {
  for (;;) {
    const addon: Addon | undefined = addons.find(id)
    if (addon?.state.kind === 'provisioned' || !addon) return
    if (addon.state.kind === 'failed') throw new PaasError('addon_failed', addon.state.reason)
    await delay(pace, undefined, { signal })
  }
}
