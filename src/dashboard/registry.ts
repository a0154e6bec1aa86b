import type { Page } from './page.ts'
import { account } from './pages/account.ts'
import { accounts } from './pages/accounts.ts'
import { access } from './pages/app/access.ts'
import { activity } from './pages/app/activity.ts'
import { addon } from './pages/app/addon.ts'
import { build } from './pages/app/build.ts'
import { addonBackups } from './pages/app/backups.ts'
import { config } from './pages/app/config.ts'
import { data } from './pages/app/data.ts'
import { deploys } from './pages/app/deploys.ts'
import { domains } from './pages/app/domains.ts'
import { dynos } from './pages/app/dynos.ts'
import { integrations } from './pages/app/integrations.ts'
import { logs } from './pages/app/logs.ts'
import { metrics } from './pages/app/metrics.ts'
import { overview } from './pages/app/overview.ts'
import { release } from './pages/app/release.ts'
import { settings } from './pages/app/settings.ts'
import { shell } from './pages/app/terminal.ts'
import { volume } from './pages/app/volume.ts'
import { apps } from './pages/apps.ts'
import { newApp } from './pages/new-app.ts'
import { server } from './pages/server.ts'
import { serverDisk } from './pages/server-disk.ts'
import { serverActivity } from './pages/server-activity.ts'
import { tokens } from './pages/tokens.ts'
import { twoFactor } from './pages/two-factor.ts'

/** All pages, in the order of the navigation. */
export const pages: Page[] = [
  apps,
  newApp,
  server,
  serverDisk,
  accounts,
  serverActivity,
  account,
  twoFactor,
  tokens,
  overview,
  deploys,
  build,
  release,
  logs,
  metrics,
  dynos,
  shell,
  config,
  domains,
  data,
  addon,
  volume,
  addonBackups,
  integrations,
  access,
  activity,
  settings,
]

const patterns = pages.map((page) => ({ page, parts: page.path.split('/') }))

/** Parts without parameters come first, so that `/apps/new` is not an app. */
const ordered = patterns.toSorted((a, b) => parametersOf(a.parts) - parametersOf(b.parts))

export function findPage(path: string): { page: Page; params: Record<string, string> } | undefined {
  const given = path.split('/')
  for (const { page, parts } of ordered) {
    const params = match(parts, given)
    if (params) return { page, params }
  }
  return undefined
}

function match(parts: string[], given: string[]): Record<string, string> | undefined {
  if (parts.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (const [place, part] of parts.entries()) {
    const text = given[place] ?? ''
    if (part.startsWith(':')) params[part.slice(1)] = decoded(text)
    else if (part !== text) return undefined
  }
  return params
}

/** What is not percent-encoding stands for itself, and names nothing. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function parametersOf(parts: string[]): number {
  return parts.filter((part) => part.startsWith(':')).length
}
