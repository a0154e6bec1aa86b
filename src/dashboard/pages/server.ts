import { buildBadge } from '../components/summary.ts'
import { dataTable, empty, facts } from '../components/table.ts'
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
type Findings = { checked_at: string | null; findings: Finding[] }

async function view({ platform }: Visit): Promise<Html> {
  const [status, doctor, apps] = await Promise.all([
    platform.get<Status>('/server/status'),
    platform.get<Findings>('/server/doctor'),
    platform.list<ShownSummary>('/app-summaries', 'name ..; max=1000'),
  ])
  const building = apps.filter(({ build }) => build?.state === 'pending' || build?.state === 'running')
  return html`
    <h1>Server</h1>
    <div id="server-status" data-live class="stack">
      <section class="card stack" aria-labelledby="processes">
        <h2 id="processes">Processes</h2>
        ${dataTable('Processes', processColumns, status.processes)}
        ${facts([
          ['Version', status.version],
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
    <p class="quiet">What apps take of the disk: <code>paas disk</code>. Backups: <code>paas server:backups</code>.</p>
  `
}

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
