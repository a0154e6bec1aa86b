import type { Config } from '../config.ts'
import { PaasError } from '../errors.ts'
import type { Addon } from '../model/addon.ts'
import type { Service } from '../model/service.ts'

export type VersionConfig = Pick<Config, 'packageSource'>

/**
 * A version of a service that this server can have; without one asked for, the stack's.
 * @throws addon_version_unknown that says which there are
 */
export function versionAsked(
  service: Pick<Service, 'title' | 'version' | 'versions'>,
  asked: string | boolean | number | undefined,
  { packageSource }: VersionConfig,
): string {
  const { title, version, versions } = service
  const wanted = asked === undefined ? version : String(asked)
  const there = versionsHere(service, { packageSource })
  if (there.includes(wanted)) return wanted
  const others = packageSource ? [] : versions
  const hint =
    others.length > 0
      ? { hint: `With a package source of the operator's there would be ${others.join(', ')}, too.` }
      : {}
  const shown = JSON.stringify(wanted.slice(0, 30))
  throw new PaasError(
    'addon_version_unknown',
    `${title} has no version ${shown} here; there is ${there.join(', ')}.`,
    hint,
  )
}

/** The oldest first. */
function versionsHere(
  { version, versions }: Pick<Service, 'version' | 'versions'>,
  { packageSource }: VersionConfig,
): string[] {
  const all = [...(packageSource ? versions : []), version]
  return all.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}

/** A plan is changed, not the version. @throws invalid_params */
export function checkSameVersion(addon: Addon, service: Service, asked: string | boolean | number | undefined): void {
  const version = addon.version ?? service.version
  if (asked === undefined || String(asked) === version) return
  throw new PaasError('invalid_params', `${addon.name} has version ${version}; with a plan it gets no other.`, {
    hint: 'Another version of PostgreSQL comes with: paas pg:upgrade',
  })
}

/**
 * The version that an add-on is to become: the one asked for, or the stack's, or where it has that,
 * the newest there is.
 * @throws addon_version_unknown, invalid_params for one that is not newer
 */
export function versionToUpgradeTo(
  service: Service,
  { addon, wanted }: { addon: Addon; wanted: string | number | undefined },
  config: VersionConfig,
): string {
  const own = addon.version ?? service.version
  const there = versionsHere(service, config)
  const usual = isNewer(service.version, own) ? service.version : there.at(-1)
  const version = versionAsked(service, wanted ?? usual, config)
  if (isNewer(version, own)) return version
  const newer = there.filter((one) => isNewer(one, own))
  const lack =
    newer.length === 0
      ? `which is the newest version that this server has`
      : `and cannot become ${version}; there is ${newer.join(', ')}`
  throw new PaasError('invalid_params', `${addon.name} runs ${service.title} ${own}, ${lack}.`)
}

function isNewer(one: string, other: string): boolean {
  return one.localeCompare(other, 'en', { numeric: true }) > 0
}
