import { auditLog } from '../../components/audit.ts'
import { html, type Html } from '../../html.ts'
import { appPage, type AppVisit } from '../../page.ts'
import { at } from '../../platform.ts'

export const activity = appPage({ path: '/activity', title: 'Activity', listed: true, view })

async function view(visit: AppVisit): Promise<Html> {
  const path = at`/apps/${visit.app.name}/audit-entries`
  const here = at`/dashboard/apps/${visit.app.name}/activity`
  return html`
    <h1>Activity</h1>
    <p class="quiet">Who changed what, from where. Values of config vars are never in it.</p>
    ${await auditLog(visit, { path, here, ofServer: false })}
  `
}
