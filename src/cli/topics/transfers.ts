import type { Command } from 'commander'
import { define, defineForApp, type AppOptions, type Options } from '../command.ts'
import { heading, note, print, progress, table } from '../output.ts'
import type { TransferJson } from '../resources.ts'
import { connect, connectToApp } from '../session.ts'

export function defineTransfers(program: Command): void {
  defineForApp(program, {
    name: 'apps:transfer',
    arguments: '<email>',
    summary: 'offer the app to another owner',
    details: 'It is theirs once they accept; you stay its admin.',
    examples: ['paas apps:transfer ada@example.com -a acme'],
  }).action(offer)

  define(program, {
    name: 'transfers',
    summary: 'list the apps you offered or are offered',
    examples: ['paas transfers'],
  }).action(list)

  define(program, {
    name: 'transfers:accept',
    arguments: '<app>',
    summary: 'become the owner of an app you are offered',
    examples: ['paas transfers:accept acme'],
  }).action((app: string, options: Options) => settle(app, { state: 'accepted', doing: 'Accepting' }, options))

  define(program, {
    name: 'transfers:decline',
    arguments: '<app>',
    summary: 'leave an app you are offered with its owner',
    examples: ['paas transfers:decline acme'],
  }).action((app: string, options: Options) => settle(app, { state: 'declined', doing: 'Declining' }, options))

  define(program, {
    name: 'transfers:cancel',
    arguments: '<app>',
    summary: 'take back the offer of an app',
    examples: ['paas transfers:cancel acme'],
  }).action(async (app: string, options: Options) => {
    const taken = connect().delete<TransferJson>(pathOf(app))
    print(options, await progress(`Taking back the offer of ${app}`, taken), () => '')
  })
}

async function offer(recipient: string, options: AppOptions): Promise<void> {
  const { api, app } = await connectToApp(options)
  const made = api.post<TransferJson>('/account/app-transfers', { app, recipient })
  print(options, await progress(`Offering ${app} to ${recipient}`, made), () => '')
  note(`They accept with: paas transfers:accept ${app}   Undo with: paas transfers:cancel ${app}`)
}

async function list(options: Options): Promise<void> {
  const all = await connect().get<TransferJson[]>('/account/app-transfers')
  if (all.length === 0) note('No app was offered, by you or to you.')
  const rows = all.map(({ app, owner, recipient, state }) => [app.name, `${owner.email} -> ${recipient.email}`, state])
  print(options, all, () => (all.length === 0 ? [] : [heading('Transfers'), ...table(rows)]))
}

async function settle(
  app: string,
  { state, doing }: { state: 'accepted' | 'declined'; doing: string },
  options: Options,
): Promise<void> {
  const settled = connect().patch<TransferJson>(pathOf(app), { state })
  print(options, await progress(`${doing} ${app}`, settled), () => '')
}

function pathOf(app: string): string {
  return `/account/app-transfers/${encodeURIComponent(app)}`
}
