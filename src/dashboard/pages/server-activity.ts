import { auditLog } from '../components/audit.ts'
import { html, type Html } from '../html.ts'
import { serverPage, type Visit } from '../page.ts'

export const serverActivity = serverPage({
  path: '/activity',
  title: 'Activity',
  listed: true,
  admin: true,
  view,
  actions: { verify },
})

type Verdict = {
  entries: number
  head: { sequence: number; hash: string }
  broken: { sequence: number; reason: string } | null
}

async function view(visit: Visit): Promise<Html> {
  return html`
    <div class="title">
      <h1>Activity</h1>
      <form method="post" action="${visit.here}">
        ${visit.token}<button class="plain" name="do" value="verify">Verify the log</button>
      </form>
    </div>
    ${await auditLog(visit, { path: '/audit-entries', here: '/dashboard/activity', ofServer: true })}
  `
}

async function verify({ platform }: Visit) {
  const { entries, head, broken } = await platform.get<Verdict>('/audit-verdict')
  const said = broken
    ? `Entry ${broken.sequence} is not as it should be: ${broken.reason}.`
    : `${entries} entries are intact. The newest is ${head.sequence}, ${head.hash.slice(0, 16)}.`
  return { to: '/activity', said }
}
