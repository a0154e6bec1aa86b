import { dataTable, empty } from '../components/table.ts'
import { bytes } from '../components/words.ts'
import { html, nothing, type Html } from '../html.ts'
import { serverPage, type Visit } from '../page.ts'
import { at } from '../platform.ts'

export const serverDisk = serverPage({ path: '/server/disk', title: 'Disk', listed: false, admin: true, view })

type Disk = {
  image_bytes: number
  cache_bytes: number | null
  repository_bytes: number
  log_bytes: number
  volumes: { used_bytes: number | null }[]
  total_bytes: number
}
type Row = { app: { name: string }; disk: Disk | null; is_looking: boolean }

async function view({ platform }: Visit): Promise<Html> {
  const rows = await platform.get<Row[]>('/server/disk')
  const sorted = rows.toSorted((one, other) => (other.disk?.total_bytes ?? -1) - (one.disk?.total_bytes ?? -1))
  const left = rows.filter(({ is_looking: isLooking }) => isLooking).length
  const sum = rows.reduce((total, { disk }) => total + (disk?.total_bytes ?? 0), 0)
  return html`
    <h1>Disk by app</h1>
    <p class="quiet">
      What would be free without the app: its own layers of images, its build cache, repository, log and volumes.
    </p>
    <div id="disk" data-live class="stack">
      <p role="status" ${left > 0 ? html`data-later="1000"` : nothing}>
        ${bytes(sum)} in all.
        ${left > 0 ? html`${left} of ${rows.length} apps are still to be measured; look again in a moment.` : nothing}
      </p>
      ${rows.length === 0 ? empty('No apps', 'Nothing is on the disk yet.') : dataTable('Disk by app', columns, sorted)}
    </div>
    <p><a href="/dashboard/server">Back to the server</a></p>
  `
}

const sizeOf =
  (size: (disk: Disk) => number | null) =>
  ({ disk }: Row): string => {
    const found = disk === null ? null : size(disk)
    return found === null ? '' : bytes(found)
  }

const columns = [
  {
    title: 'App',
    cell: ({ app: { name } }: Row) => html`<a class="name" href="/dashboard${at`/apps/${name}`}">${name}</a>`,
  },
  { title: 'Total', number: true, cell: sizeOf((disk) => disk.total_bytes) },
  { title: 'Images', number: true, cell: sizeOf((disk) => disk.image_bytes) },
  { title: 'Cache', number: true, cell: sizeOf((disk) => disk.cache_bytes) },
  { title: 'Repository', number: true, cell: sizeOf((disk) => disk.repository_bytes) },
  { title: 'Log', number: true, cell: sizeOf((disk) => disk.log_bytes) },
  {
    title: 'Volumes',
    number: true,
    cell: sizeOf(({ volumes }) => volumes.reduce((sum, { used_bytes: used }) => sum + (used ?? 0), 0)),
  },
]
