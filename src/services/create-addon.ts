import { PaasError } from '../errors.ts'
import {
  addonNamePattern,
  generateAddonName,
  mostAddons,
  newSecrets,
  type Addon,
  type AddonSecrets,
} from '../model/addon.ts'
import type { AddonOrigin } from '../model/addon-backup.ts'
import type { App } from '../model/app.ts'
import { newId, type AccountId, type AddonId, type AppId } from '../model/ids.ts'
import { serviceCalledBy, type Service } from '../model/service.ts'
import type { Store } from '../store/store.ts'
import { attachAddon } from './attach.ts'
import { canBeDumped } from './dumps.ts'
import { planAsked } from './asked.ts'
import { versionAsked, type VersionConfig } from './versions.ts'

/** In which add-ons are backed up unless somebody chooses another: from midnight, UTC. */
const hoursOfNight = 6

export type AskedAddon = {
  /** `heroku-redis` or `heroku-redis:mini`. */
  plan: string
  /** What it is attached as; undefined: a name that is free. */
  as?: string | undefined
  options?: Record<string, string | boolean | number> | undefined
  /** The app's name, if what is there may be overwritten. */
  confirm?: string | undefined
  name?: string | undefined
  /** Of a fork: what it is made from, and the names that are in it. */
  origin?: AddonOrigin
  secrets?: Pick<AddonSecrets, 'user' | 'database'>
  /** Without an attachment its app gets no config var of it, and no release. */
  isAttached?: boolean
  accountId: AccountId
}

/**
 * Records an add-on with its attachment; the worker makes it, and the release with its config vars.
 * @throws addon_service_unknown, addon_plan_unknown, addons_limit, name_taken, invalid_params,
 *   confirmation_required
 */
export function createAddon(
  { store, services, config }: { store: Store; services: Service[]; config: VersionConfig },
  app: App,
  { plan: asked, as, options = {}, confirm, name, origin, secrets, isAttached = true, accountId }: AskedAddon,
): Addon {
  const { service, plan } = planAsked(services, asked)
  const version = versionAsked(service, options['version'], config)
  const extras = extrasAsked(service, options)
  if (name !== undefined) checkAddonName(name)
  return store.transaction(() => {
    checkNotThere(store, app, name)
    checkLimit(store, app)
    const id = newId<AddonId>()
    const addon = store.addons.create(
      {
        id,
        appId: app.id,
        accountId,
        name: name ?? freeName(store, service),
        service: service.name,
        plan: plan.name,
        version: service.versions.length > 0 ? version : null,
        host: `${service.family}-${id.slice(-12)}`,
        process: nextProcess(store, app.id, service),
        extras,
        ...(origin && { origin }),
      },
      { ...newSecrets(), ...secrets },
    )
    const named = serviceCalledBy(service, asked.split(':', 1)[0] ?? '')
    const { overwritten } = isAttached
      ? attachAddon(store, { app, addon, service: named }, { name: as, confirm })
      : { overwritten: [] }
    if (canBeDumped(service)) schedule(store, addon)
    if (overwritten.length > 0)
      store.configVars.update(app.id, Object.fromEntries(overwritten.map((key) => [key, null])))
    return addon
  })
}

/** Each hour of the night has some, by their ids: a server has many. */
function schedule({ addonAttachments, backupSchedules }: Store, { id, name }: Addon): void {
  const [attachment] = addonAttachments.list({ addonId: id })
  const hour = Number.parseInt(id.slice(0, 4), 16) % hoursOfNight
  backupSchedules.set({ addonId: id, name: `${attachment?.name ?? name}_URL`, hour, timezone: 'UTC' })
}

/** @throws invalid_params */
export function checkAddonName(name: string): void {
  if (addonNamePattern.test(name)) return
  throw new PaasError('invalid_params', `${JSON.stringify(name.slice(0, 80))} is no name for an add-on.`, {
    hint: 'It has 2 to 63 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen.',
  })
}

/**
 * What more of a service is asked for, each as a switch (`--postgis`), beside a version.
 * @throws invalid_params
 */
export function extrasAsked({ title, extras }: Service, options: NonNullable<AskedAddon['options']>): string[] {
  const known = Object.keys(extras)
  return Object.entries(options).flatMap(([key, value]) => {
    if (key === 'version') return []
    if (known.includes(key) && String(value) === 'true') return [key]
    const problem = known.includes(key)
      ? `takes ${key} as a switch only, without ${JSON.stringify(String(value).slice(0, 60))}`
      : `takes no option --${key} here`
    const hint = known.length === 0 ? {} : { hint: `There is: ${known.join(', ')}.` }
    throw new PaasError('invalid_params', `${title} ${problem}.`, hint)
  })
}

/**
 * Of the app's own it is told what it is: whoever asks once more, for want of an answer, has it.
 * @throws name_taken
 */
function checkNotThere({ addons }: Pick<Store, 'addons'>, app: App, name: string | undefined): void {
  const own = addons.list(app.id).find((one) => one.name === name)
  if (!own) return
  const { state, service, plan } = own
  throw new PaasError('name_taken', `${app.name} has ${own.name} already, a ${service}:${plan}${ends[state.kind]}.`, {
    hint: `See it with: paas addons:info ${own.name} -a ${app.name}`,
  })
}

const ends: Record<Addon['state']['kind'], string> = {
  provisioning: ', which is being made',
  provisioned: '',
  failed: ', which could not be made',
  deprovisioned: ', which is being removed',
}

/** @throws addons_limit */
function checkLimit({ addons }: Pick<Store, 'addons'>, { ownerId }: App): void {
  const count = addons.countOf(ownerId)
  if (count < mostAddons) return
  throw new PaasError('addons_limit', `The owner of the app has ${count} add-ons; the limit is ${mostAddons}.`)
}

function freeName({ addons }: Pick<Store, 'addons'>, { family }: Service): string {
  for (;;) {
    const name = generateAddonName(family)
    if (!addons.findNamed(name)) return name
  }
}

/** `postgresql.1`, the lowest number that no other of the app has. */
function nextProcess({ addons }: Pick<Store, 'addons'>, appId: AppId, { family }: Service): string {
  const taken = new Set(addons.list(appId).map(({ process }) => process))
  for (let number = 1; ; number++) if (!taken.has(`${family}.${number}`)) return `${family}.${number}`
}
