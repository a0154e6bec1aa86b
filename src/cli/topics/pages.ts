import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { heading, note, print, progress } from '../output.ts'
import type { OwnPageJson } from '../resources/edge.ts'
import { connectToApp } from '../session.ts'
import { formatTimeAndAge } from '../time.ts'

/** Milliseconds between two looks, and for all of them: longer than a page may take. */
const patience = { between: 250, total: 40_000 }

export function definePages(program: Command): void {
  defineForApp(program, {
    name: 'pages',
    summary: "show the app's own pages for errors and maintenance",
    details:
      'The config vars ERROR_PAGE_URL and MAINTENANCE_PAGE_URL name them; each is fetched when its var is set, and kept. docs/edge.md has the rest.',
    examples: ['paas config:set MAINTENANCE_PAGE_URL=https://example.com/back-soon.html', 'paas pages -a acme'],
  }).action(async (options: AppOptions) => {
    const { api, app, path } = await connectToApp(options)
    print(options, await api.get<OwnPageJson[]>(`${path}/pages`), (pages) => describe(app, pages))
  })

  defineForApp(program, {
    name: 'pages:refresh',
    summary: "fetch the app's own pages again",
    details: 'For when a page has changed at its address, or could not be fetched.',
    examples: ['paas pages:refresh -a acme'],
  }).action(async (options: AppOptions) => {
    const { api, app, path } = await connectToApp(options)
    const fetched = async (): Promise<OwnPageJson[]> => {
      const deadline = performance.now() + patience.total
      let pages = await api.post<OwnPageJson[]>(`${path}/pages/refresh`, {})
      while (pages.some(({ status }) => status === 'pending') && performance.now() < deadline) {
        await delay(patience.between)
        pages = await api.get<OwnPageJson[]>(`${path}/pages`)
      }
      return pages
    }
    const pages = await progress(`Fetching the pages of ${app}`, fetched())
    print(options, pages, () => describe(app, pages))
    const failed = pages.filter(({ status }) => status !== 'shown').map(({ config_var }) => config_var)
    if (failed.length === 0) return
    throw new PaasError('download_failed', `${failed.join(' and ')} could not be fetched; what was shown is shown on.`)
  })
}

function describe(app: string, pages: OwnPageJson[]): string[] {
  if (pages.length === 0) {
    note('Set one with: paas config:set ERROR_PAGE_URL=… or MAINTENANCE_PAGE_URL=…')
    return [`${app} has no pages of its own.`]
  }
  return [heading(`${app} Pages`), ...pages.flatMap(describePage)]
}

function describePage({ config_var, status, bytes, fetched_at, problem }: OwnPageJson): string[] {
  const kept = fetched_at === null ? 'none yet' : `of ${formatTimeAndAge(fetched_at)}, ${bytes} bytes`
  if (status === 'shown') return [`${config_var}: ${kept}`]
  if (status === 'pending') return [`${config_var}: being fetched; what is shown: ${kept}`]
  return [`${config_var}: failed; what is shown: ${kept}`, `    ${problem}`]
}
