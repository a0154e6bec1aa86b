import { PaasError } from '../errors.ts'
import type { Addon } from '../model/addon.ts'
import type { AddonArchive, RestoreMoment } from '../model/addon-backup.ts'
import type { App } from '../model/app.ts'
import type { AccountId } from '../model/ids.ts'
import { createAddon } from './create-addon.ts'

type Asked = { moment: RestoreMoment; as?: string | undefined; name?: string | undefined; accountId: AccountId }

/**
 * Records a new add-on of the same plan and extras that gets what another one had at a moment; the
 * worker makes it.
 * @throws restore_outside_window, backup_missing, and as createAddon does
 */
export function forkAddon(
  deps: Parameters<typeof createAddon>[0],
  { app, source }: { app: App; source: Addon },
  { moment, as, name, accountId }: Asked,
): Addon {
  checkMoment(source, deps.store.addonBackups.archive(source.id), moment)
  const { user, database } = deps.store.addons.secrets(source.id)
  return createAddon(deps, app, {
    plan: `${source.service}:${source.plan}`,
    as: as ?? undefined,
    name,
    accountId,
    options: {
      ...Object.fromEntries(source.extras.map((name) => [name, true])),
      ...(source.version !== null && { version: source.version }),
    },
    origin: { addonId: source.id, moment },
    secrets: { user, database },
  })
}

/** The end of the window is now: what is not archived yet is, before it is restored. */
function checkMoment(
  { name }: Addon,
  { since: own, storedUntil, until, former }: AddonArchive,
  moment: RestoreMoment,
): void {
  const latest = until ?? storedUntil
  const since = former?.since ?? own
  if (!since || !(latest || (former && moment.kind === 'time')))
    throw new PaasError('backup_missing', `There is no backup of ${name} yet.`, { hint: 'See: paas backups' })
  if (moment.kind !== 'time') return
  const at = Date.parse(moment.at)
  if (at >= since.getTime() && at <= Date.now()) return
  throw new PaasError(
    'restore_outside_window',
    `${name} can be restored as it was from ${shown(since)} to ${shown(new Date())}, and not at ${shown(new Date(at))}.`,
  )
}

function shown(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace('T', ' ')}+00`
}
