import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { BackupSchedule } from '../../model/data-transfer.ts'
import type { Api } from '../deps.ts'
import { uuidOf } from '../http/shapes.ts'
import { addonNamed } from './find.ts'
import { dumpableAddon, type BackupDeps } from './backups.ts'

const config = { scope: 'protected' } as const
const asked = Type.Object(
  {
    hour: Type.Union([Type.Integer({ minimum: 0, maximum: 23 }), Type.String({ pattern: '^(0?\\d|1\\d|2[0-3])$' })]),
    timezone: Type.Optional(Type.String({ maxLength: 60 })),
    schedule_name: Type.Optional(Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,120}$' })),
  },
  { additionalProperties: false },
)

/** When add-ons are backed up by themselves: `heroku pg:backups:schedules`. */
export function backupScheduleRoutes(api: Api, deps: BackupDeps): void {
  const { store } = deps
  const path = '/client/v11/databases/:database/transfer-schedules'

  // Of the whole app: Heroku's command asks with whatever database of it.
  api.get(path, { config }, (request) => {
    const { database } = request.params as { database: string }
    const { appId } = addonNamed(store, request, { idOrName: database, needed: 'deploy' })
    const own = new Set(store.addons.list(appId).map(({ id }) => id))
    return store.backupSchedules
      .list()
      .filter(({ addonId }) => own.has(addonId))
      .map(scheduleJson)
  })

  api.post(path, { config, schema: { body: asked } }, (request, reply) => {
    const { hour, timezone = 'UTC', schedule_name: name } = request.body
    const { id: addonId, name: addon } = dumpableAddon(deps, request)
    checkTimezone(timezone)
    store.backupSchedules.set({ addonId, name: name ?? addon, hour: Number(hour), timezone })
    reply.code(201)
    return scheduleJson(store.backupSchedules.find(addonId)!)
  })

  api.delete(`${path}/:schedule`, { config }, (request) => {
    const { database, schedule: id } = request.params as { database: string; schedule: string }
    const addon = addonNamed(store, request, { idOrName: database, needed: 'deploy' })
    const present = store.backupSchedules.find(addon.id)
    if (!present || idOf(present) !== id) throw new PaasError('not_found', `${addon.name} has no such schedule.`)
    store.backupSchedules.remove(addon.id)
    return scheduleJson(present)
  })
}

function idOf({ addonId }: BackupSchedule): string {
  return uuidOf(`schedule ${addonId}`)
}

function scheduleJson(schedule: BackupSchedule): object {
  const { addonId, name, hour, timezone } = schedule
  return { uuid: idOf(schedule), addon_id: addonId, name, hour, timezone, days: ['Every day'] }
}

/** @throws invalid_params */
function checkTimezone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone }).format()
  } catch (cause) {
    throw new PaasError('invalid_params', `There is no time zone ${JSON.stringify(timeZone)}.`, {
      hint: "Name it as in the IANA's list: Europe/Berlin, America/New_York, UTC.",
      cause,
    })
  }
}
