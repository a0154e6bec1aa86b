import type { Command } from 'commander'
import { define, defineForApp, type AppOptions, type Options } from '../command.ts'
import { heading, note, print, progress, table } from '../output.ts'
import type { TransferJson } from '../resources/apps.ts'
import { connect, connectToApp } from '../session.ts'

export function defineTransfers(program: Command): void {
  defineForApp(program, {
    name: 'apps:transfer',
    arguments: '<email>',
    summary: 'offer the app to a new owner',
    details: 'They own it once they accept; you stay an admin of it.',
    examples: ['paas apps:transfer ada@example.com -a acme'],
  }).action(offer)

  define(program, {
    name: 'transfers',
    summary: 'list pending transfers, from you and to you',
    examples: ['paas transfers'],
  }).action(list)

  define(program, {
    name: 'transfers:accept',
    arguments: '<app>',
    summary: 'accept a transfer: become the owner of the app',
    examples: ['paas transfers:accept acme'],
  }).action((app: string, options: Options) => settle(app, { state: 'accepted', doing: 'Accepting' }, options))

  define(program, {
    name: 'transfers:decline',
    arguments: '<app>',
    summary: 'decline a transfer: the app stays with its owner',
    examples: ['paas transfers:decline acme'],
  }).action((app: string, options: Options) => settle(app, { state: 'declined', doing: 'Declining' }, options))

  define(program, {
    name: 'transfers:cancel',
    arguments: '<app>',
    summary: 'cancel a transfer that you offered',
    examples: ['paas transfers:cancel acme'],
  }).action(async (app: string, options: Options) => {
    const taken = connect().delete<TransferJson>(pathOf(app))
    print(options, await progress(`Cancelling the transfer of ${app}`, taken), () => '')
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
  if (all.length === 0) note('There are no transfers, from you or to you.')
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
