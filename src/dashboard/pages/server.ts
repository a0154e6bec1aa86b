import { buildBadge } from '../components/summary.ts'
import { dataTable, empty, facts, tableOr } from '../components/table.ts'
import { ago, badge, bytes, moment, type Tone } from '../components/words.ts'
import { html, nothing, type Html } from '../html.ts'
import { serverPage, type Visit } from '../page.ts'
import { at } from '../platform.ts'
import type { ShownSummary } from '../shapes.ts'

export const server = serverPage({ path: '/server', title: 'Server', listed: true, admin: true, view })

type Status = {
  version: string
  processes: ServerProcess[]
  builds: { pending: number; running: number }
  apps: number
  accounts: number
}
type ServerProcess = { name: string; up: boolean; memory_bytes: number | null }
type Finding = { name: string; state: 'good' | 'warning' | 'bad' | 'unknown'; message: string; advice: string | null }
type Backup = {
  started_at: string
  state: 'running' | 'succeeded' | 'failed'
  reason: string | null
  apps: number | null
  bytes: number | null
  added_bytes: number | null
}
type Backups = { checked_at: string | null; target: string | null; backups: Backup[] }
type Findings = { checked_at: string | null; findings: Finding[] }

async function view({ platform }: Visit): Promise<Html> {
  const [status, doctor, backups, apps] = await Promise.all([
    platform.get<Status>('/server/status'),
    platform.get<Findings>('/server/doctor'),
    platform.get<Backups>('/server/backups'),
    platform.list<ShownSummary>('/app-summaries', 'name ..; max=1000'),
  ])
  const building = apps.filter(({ build }) => build?.state === 'pending' || build?.state === 'running')
  return html`
    <div class="title">
      <h1>Server</h1>
      <a class="button" href="/dashboard/server/disk">Disk by app</a>
    </div>
    <div id="server-status" data-live class="stack">
      <section class="card stack" aria-labelledby="processes">
        <h2 id="processes">Processes</h2>
        ${dataTable('Processes', processColumns, status.processes)}
        ${facts([
          ['Version', status.version],
          ['Update', html`<code>sudo npm run upgrade</code> in the clone that the server runs from brings the newest`],
          ['In all', bytes(status.processes.reduce((sum, { memory_bytes: memory }) => sum + (memory ?? 0), 0))],
          ['Apps', status.apps],
          ['Accounts', status.accounts],
        ])}
      </section>
      <section class="card stack" aria-labelledby="builds">
        <h2 id="builds">Builds</h2>
        <p>${status.builds.running} running, ${status.builds.pending} waiting.</p>
        ${building.length === 0 ? nothing : dataTable('Builds under way', buildColumns, building)}
      </section>
      <section class="card stack" aria-labelledby="backups">
        <h2 id="backups">Backups of the server</h2>
        ${backupsOf(backups)}
      </section>
      <section class="card stack" aria-labelledby="doctor">
        <h2 id="doctor">What the doctor says</h2>
        ${
          doctor.findings.length === 0
            ? empty(
                'Nothing was looked at yet',
                'The server looks at its machine every few minutes; paas doctor does at once.',
              )
            : html`<p class="quiet">As of ${moment(doctor.checked_at)}</p>
                ${dataTable('Findings', findingColumns, doctor.findings.toSorted(worstFirst))}`
        }
      </section>
    </div>
  `
}

function backupsOf({ checked_at: checked, target, backups }: Backups): Html {
  const good = backups.find(({ state }) => state === 'succeeded')
  const none = empty('None is known', 'The operator makes one on the machine with paas server:backup.')
  return html`${facts([
    ['Last good', good ? ago(good.started_at) : badge('none', 'bad')],
    ['Where', target ?? html`nowhere; the operator sets <code>PAAS_BACKUP_TARGET</code>`],
    ['As of', checked === null ? null : moment(checked)],
  ])}
  ${tableOr(none, 'Backups of the server', backupColumns, backups)}`
}

const backupTones: Record<Backup['state'], Tone> = { running: 'busy', succeeded: 'good', failed: 'bad' }

const backupColumns = [
  { title: 'Begun', cell: ({ started_at: when }: Backup) => moment(when) },
  { title: 'State', cell: ({ state, reason }: Backup) => html`${badge(state, backupTones[state])} ${reason ?? ''}` },
  { title: 'Apps', number: true, cell: ({ apps }: Backup) => apps },
  { title: 'Holds', number: true, cell: ({ bytes: size }: Backup) => (size === null ? '' : bytes(size)) },
  { title: 'New', number: true, cell: ({ added_bytes: size }: Backup) => (size === null ? '' : bytes(size)) },
]

const processColumns = [
  { title: 'Process', cell: ({ name }: ServerProcess) => html`<strong>${name}</strong>` },
  {
    title: 'State',
    cell: ({ name, up }: ServerProcess) =>
      up
        ? badge('answers', 'good')
        : name === 'supervisor'
          ? badge('not asked', 'idle')
          : badge('does not answer', 'bad'),
  },
  {
    title: 'Memory',
    number: true,
    cell: ({ memory_bytes: memory }: ServerProcess) => (memory === null ? nothing : bytes(memory)),
  },
]

const buildColumns = [
  { title: 'App', cell: ({ app }: ShownSummary) => html`<a href="/dashboard${at`/apps/${app.name}`}">${app.name}</a>` },
  { title: 'State', cell: ({ build }: ShownSummary) => (build ? buildBadge(build) : nothing) },
  { title: 'Since', cell: ({ build }: ShownSummary) => (build ? ago(build.created_at) : nothing) },
]

const tones: Record<Finding['state'], Tone> = { good: 'good', warning: 'busy', bad: 'bad', unknown: 'idle' }
const order = ['bad', 'warning', 'unknown', 'good']

function worstFirst(one: Finding, other: Finding): number {
  return order.indexOf(one.state) - order.indexOf(other.state)
}

const findingColumns = [
  { title: 'What', cell: ({ name }: Finding) => html`<strong>${name}</strong>` },
  { title: 'State', cell: ({ state }: Finding) => badge(state, tones[state]) },
  {
    title: 'Found',
    cell: ({ message, advice }: Finding) =>
      html`${message}${advice === null ? nothing : html`<br /><span class="quiet">${advice}</span>`}`,
  },
]
