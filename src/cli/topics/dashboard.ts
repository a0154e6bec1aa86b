import type { Command } from 'commander'
import { define, type Options } from '../command.ts'
import { note, print } from '../output.ts'
import { connect } from '../session.ts'

export function defineDashboard(program: Command): void {
  define(program, {
    name: 'dashboard',
    summary: 'print a link that logs a browser in to the dashboard',
    details: 'The link works once, within ten minutes, and logs in whoever opens it as you.',
    examples: ['paas dashboard', 'xdg-open "$(paas dashboard)"'],
  }).action(show)
}

async function show(options: Options): Promise<void> {
  const api = connect()
  const link = await api.post<{ url: string; expires_at: string }>('/account/login-links', {})
  note('Open this in a browser within ten minutes; it works once:')
  print(options, link, () => [link.url])
}
