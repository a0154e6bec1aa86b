import type { Command } from 'commander'
import { addonCalled, pathOf } from '../addon-names.ts'
import type { Client } from '../client.ts'
import { define, defineForApp, type AppOptions, type Options } from '../command.ts'
import { untilMade, varsOf } from '../made-addon.ts'
import { heading, list as pairs, note, print, progress, table } from '../output.ts'
import type { AddonBackupsJson, AddonJson, AddonProofJson, VolumeBackupsJson } from '../resources/data.ts'
import { askProof, checkProven, notCompared } from '../proofs.ts'
import { connect, connectToApp } from '../session.ts'
import { formatAge, formatTimeAndAge } from '../time.ts'

type RestoreOptions = AppOptions & { at?: string; beforeXid?: string; as?: string; name?: string; wait: boolean }

export function defineArchives(program: Command): void {
  define(program, {
    name: 'backups',
    arguments: '[addon]',
    summary: 'show the backups of add-ons and volumes',
    details:
      'For each the last good backup, the last proven one, how much would be lost, size and place. Of all your apps, of one with --app, or of one add-on in detail.',
    examples: ['paas backups', 'paas backups -a acme', 'paas backups DATABASE -a acme', 'paas backups --json'],
  })
    .option('-a, --app <name>', 'the app')
    .action(show)

  defineForApp(program, {
    name: 'backups:prove',
    arguments: '[addon]',
    summary: 'see whether the newest backups can be restored',
    details:
      'Each is restored into a throw-away container, checked and compared with what was noted when it was made. Of one add-on, or of all add-ons and volumes of the app. The server does this every night by itself.',
    examples: ['paas backups:prove -a acme', 'paas backups:prove DATABASE -a acme'],
  }).action(prove)

  for (const kind of restorable) defineRestore(program, kind)
}

/** `usual`: what is restored where nobody says which; `xid`: a transaction, for an example. */
const restorable = [
  { topic: 'pg', usual: 'DATABASE', client: 'pg:psql', xid: 'by its number (pg_current_xact_id)' },
  { topic: 'mysql', usual: 'mysql', client: 'mysql:cli', xid: 'by the last part of its GTID (@@last_gtid)' },
]

function defineRestore(program: Command, { topic, usual, client, xid }: (typeof restorable)[number]): void {
  defineForApp(program, {
    name: `${topic}:restore`,
    arguments: '[addon]',
    summary: 'make a new database of what one was at a moment',
    details:
      `The database stays as it is. Look at the new one with ${client}, then make it the DATABASE_URL with ${topic}:promote. ` +
      'A time without a zone is UTC. Without --at and --before-xid it is the latest that there is.',
    examples: [
      `paas ${topic}:restore --at "2026-11-26 14:03:07+00" -a acme`,
      `paas ${topic}:restore --before-xid 48211 -a acme`,
      `paas ${topic}:restore DATABASE --at latest -a acme`,
    ],
  })
    .option('--at <time>', 'the moment, or latest')
    .option('--before-xid <number>', `just before this transaction, ${xid}`)
    .option('--as <name>', 'what it is attached as')
    .option('--name <name>', 'the name of the new add-on')
    .option('--no-wait', 'return at once')
    .action((name: string | undefined, options: RestoreOptions) =>
      restore(name ?? usual, options, { look: `paas ${client}`, promote: `paas ${topic}:promote` }),
    )
}

async function show(name: string | undefined, { app, ...options }: Options & { app?: string }): Promise<void> {
  if (name !== undefined) return showOne(name, { ...options, ...(app !== undefined && { app }) })
  const [api, path] = [connect(), app === undefined ? '' : `/apps/${app}`]
  const addons = await api.get<AddonBackupsJson[]>(`${path}/backups`)
  const volumes = await api.get<VolumeBackupsJson[]>(`${path}/volume-backups`)
  print(options, [...addons, ...volumes], () => {
    const rows = [
      ...addons.map((one) => rowOf(one.addon.name, one)),
      ...volumes.map((one) => rowOf(`volume ${one.volume.name}`, one)),
    ]
    if (rows.length === 0) return 'There are no add-ons and no volumes.'
    return table([['What', 'App', 'Last good', 'Last proven', 'Lost at most', 'Size', 'Where'], ...rows])
  })
  for (const one of addons) noteTroubles(one.addon.name, one)
  for (const one of volumes) noteTroubles(`volume ${one.volume.name}`, one)
}

type Shown = Omit<VolumeBackupsJson, 'volume'>

function noteTroubles(name: string, { problem, last_disproven: bad }: Shown): void {
  if (problem) note(`${name}: ${problem}`)
  if (bad) note(`${name}: ${bad.backup ?? 'its backup'} could not be restored: ${bad.reason}`)
}

function rowOf(name: string, one: Shown): string[] {
  const { app, kind, last_good: good, last_proven: proven, recovery_point_seconds: seconds, bytes, where } = one
  if (kind === 'none') return [name, app.name, 'not backed up', '', 'all of it', '', '']
  return [name, app.name, ageOf(good?.started_at), provenAt(proven), secondsOf(seconds), mib(bytes), where ?? '']
}

async function showOne(name: string, options: AppOptions): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonCalled({ api, app }, name)
  const one = await api.get<AddonBackupsJson>(`${pathOf(addon)}/backups`)
  print(options, one, () => [
    heading(`${addon.name} Backups`),
    ...pairs([
      ['Kind', one.kind],
      ['Schedule', one.schedule ?? 'none'],
      ...momentsOf(one),
      ['Lost at most', secondsOf(one.recovery_point_seconds)],
      ['Last good', one.last_good ? formatTimeAndAge(one.last_good.started_at) : 'none'],
      [
        'Last proven',
        one.last_proven ? `${formatTimeAndAge(one.last_proven.at)}${notCompared(one.last_proven)}` : 'none',
      ],
      ['Size', mib(one.bytes)],
      ['Where', one.where ?? 'nowhere'],
      ...(one.problem ? [['Problem', one.problem] as [string, string]] : []),
      ...(one.last_disproven ? [['Disproven', one.last_disproven.reason] as [string, string]] : []),
    ]),
    '',
    ...table(
      one.backups.map(({ name: label, kind, status, started_at: at, bytes, reason }) => [
        label ?? '',
        kind,
        status,
        formatTimeAndAge(at),
        bytes === null ? (reason ?? '') : mib(bytes),
      ]),
    ),
  ])
}

/** Of one add-on; else of all that there are in the app, volumes too. */
async function prove(name: string | undefined, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const wanted = name === undefined ? await allOf(api, path) : [await addonCalled({ api, app }, name)].map(ofAddon)
  const proofs: AddonProofJson[] = []
  for (const one of wanted) proofs.push(await askProof(api, one))
  print(options, proofs, () => (proofs.length === 0 ? `${app} has nothing to prove.` : ''))
  checkProven(
    proofs,
    `An earlier one may be whole: paas pg:backups -a ${app}, paas pg:restore --at TIME, paas volumes:backups. The next is a new one.`,
  )
}

type Provable = { name: string; path: string }

function ofAddon({ id, name }: Pick<AddonJson, 'id' | 'name'>): Provable {
  return { name, path: pathOf({ id }) }
}

async function allOf(api: Client, path: string): Promise<Provable[]> {
  const addons = await api.get<AddonBackupsJson[]>(`${path}/backups`)
  const volumes = await api.get<VolumeBackupsJson[]>(`${path}/volume-backups`)
  return [
    ...addons.filter(({ provable }) => provable).map(({ addon }) => ofAddon(addon)),
    ...volumes.map(({ volume: { id, name } }) => ({ name: `the volume ${name}`, path: `${path}/volumes/${id}` })),
  ]
}

type Next = { look: string; promote: string }

async function restore(
  name: string,
  { at, beforeXid, as, name: called, wait, ...options }: RestoreOptions,
  { look, promote }: Next,
) {
  const { api, app } = await connectToApp(options)
  const source = await addonCalled({ api, app }, name)
  const body = {
    ...(at !== undefined && { at }),
    ...(beforeXid !== undefined && { before_xid: beforeXid }),
    ...(as !== undefined && { as }),
    ...(called !== undefined && { name: called }),
  }
  const asked = await progress(
    `Restoring ${source.name} into a new database`,
    api.post<AddonJson>(`${pathOf(source)}/actions/restore`, body),
    (made) => made.name,
  )
  const made = wait ? await progress(`Waiting for ${asked.name}`, untilMade(api, asked), varsOf) : asked
  print(options, made, () => made.name)
  note(`Look at it with: ${look} ${made.name} -a ${app}`)
  note(`Make it the DATABASE_URL with: ${promote} ${made.name} -a ${app}`)
}

function provenAt(proven: AddonBackupsJson['last_proven']): string {
  return proven ? `${ageOf(proven.at)}${notCompared(proven)}` : 'none yet'
}

/** What is dumped once a day has no other moments. */
function momentsOf({ kind, window }: AddonBackupsJson): [string, string][] {
  if (kind !== 'continuous') return []
  return [['Any moment', window ? `${window.from} to ${window.to}` : 'none yet']]
}

function ageOf(iso: string | undefined): string {
  return iso === undefined ? 'none yet' : `${formatAge(Date.now() - Date.parse(iso))} ago`
}

function secondsOf(seconds: number | null): string {
  return seconds === null ? 'all of it' : seconds < 120 ? `${seconds} s` : formatAge(seconds * 1000)
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}
