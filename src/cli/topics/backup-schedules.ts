import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { addonCalled } from '../addon-names.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { databasePath, type BackupScheduleJson } from '../data-transfers.ts'
import { heading, note, print, progress } from '../output.ts'
import type { AddonJson } from '../resources/data.ts'
import { connectToApp } from '../session.ts'

export function defineBackupSchedules(program: Command): void {
  defineForApp(program, {
    name: 'pg:backups:schedules',
    summary: 'list when databases are backed up each day',
    examples: ['paas pg:backups:schedules -a acme'],
  }).action(list)

  defineForApp(program, {
    name: 'pg:backups:schedule',
    arguments: '[database]',
    summary: 'say when a database is backed up each day',
    details: 'Each is, from when it is made: at an hour of the night, UTC.',
    examples: ["paas pg:backups:schedule --at '02:00 Europe/Berlin' -a acme"],
  })
    .requiredOption('--at <time>', "the full hour and a time zone, UTC if there is none: '02:00 Europe/Berlin'")
    .action(schedule)

  defineForApp(program, {
    name: 'pg:backups:unschedule',
    arguments: '[database]',
    summary: 'stop the daily backups of a database',
    examples: ['paas pg:backups:unschedule DATABASE -a acme'],
  }).action(unschedule)
}

async function list(options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const [addon] = await api.get<AddonJson[]>(`${path}/addons`)
  const all = addon ? await api.get<BackupScheduleJson[]>(`${databasePath(addon)}/transfer-schedules`) : []
  print(options, all, () =>
    all.length === 0
      ? `Nothing of ${app} is backed up by itself.`
      : [heading('Backup Schedules'), ...all.map((one) => `${one.name}: daily at ${one.hour}:00 ${one.timezone}`)],
  )
}

async function schedule(name: string | undefined, { at, ...options }: AppOptions & { at: string }): Promise<void> {
  const { api, app } = await connectToApp(options)
  const [, hour, timezone] = /^(\d{1,2}):00(?: +(\S+))?$/.exec(at) ?? []
  if (hour === undefined) {
    throw new PaasError('usage', `--at is "${at}"; it must be a full hour, such as '02:00 Europe/Berlin'.`)
  }
  const addon = await addonCalled({ api, app }, name ?? 'DATABASE')
  const body = { hour: Number(hour), timezone: timezone ?? 'UTC', ...scheduleName(addon) }
  const set = api.post<BackupScheduleJson>(`${databasePath(addon)}/transfer-schedules`, body)
  const said = await progress(
    `Scheduling daily backups of ${addon.name}`,
    set,
    (one) => `${one.hour}:00 ${one.timezone}`,
  )
  print(options, said, () => '')
  note(`Undo with: paas pg:backups:unschedule ${addon.name} -a ${app}`)
}

/** As its app calls it. */
function scheduleName({ config_vars: vars }: AddonJson): { schedule_name?: string } {
  const url = vars.find((one) => one.endsWith('_URL'))
  return url === undefined ? {} : { schedule_name: url }
}

async function unschedule(name: string | undefined, options: AppOptions): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonCalled({ api, app }, name ?? 'DATABASE')
  const path = `${databasePath(addon)}/transfer-schedules`
  const found = (await api.get<BackupScheduleJson[]>(path)).find((one) => one.addon_id === addon.id)
  if (!found) throw new PaasError('invalid_params', `${addon.name} has no schedule.`)
  const gone = api.delete<BackupScheduleJson>(`${path}/${found.uuid}`)
  print(options, await progress(`Unscheduling the backups of ${addon.name}`, gone), () => '')
  note(`Undo with: paas pg:backups:schedule ${addon.name} --at '${found.hour}:00 ${found.timezone}' -a ${app}`)
}
