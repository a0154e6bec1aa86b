import type { Command } from 'commander'
import { addonCalled, pathOf } from '../addon-names.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { list, note, print, progress } from '../output.ts'
import type { ExposureJson } from '../resources/data.ts'
import { connectToApp } from '../session.ts'

export function defineDataDoors(program: Command): void {
  defineForApp(program, {
    name: 'data:expose',
    arguments: '<addon>',
    summary: 'open a database to named networks outside, with TLS',
    details:
      'It gets a port of the server, at which it answers those networks alone; other networks replace those of before. Its URL, with the ' +
      'password, is printed. The password is the only protection beside: rotate it when somebody leaves.',
    examples: [
      'paas data:expose DATABASE --from 203.0.113.7 -a acme',
      'paas data:expose DATABASE --from 198.51.100.0/24 2001:db8::/48',
    ],
  })
    .requiredOption('--from <network...>', 'addresses, or networks in CIDR notation')
    .action(expose)

  defineForApp(program, {
    name: 'data:unexpose',
    arguments: '<addon>',
    summary: 'close a database to the outside; who is connected is cut',
    examples: ['paas data:unexpose DATABASE -a acme'],
  }).action(unexpose)
}

async function expose(name: string, { from, ...options }: AppOptions & { from: string[] }): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonCalled({ api, app }, name)
  const networks = from.flatMap((one) => one.split(',')).filter((one) => one !== '')
  const opened = api.post<ExposureJson>(`${pathOf(addon)}/actions/expose`, { networks })
  const made = await progress(`Opening ${addon.name} to ${networks.join(', ')}`, opened)
  const { exposed } = made
  if (!exposed) return
  print(options, made, () =>
    list([
      ['URL', exposed.url],
      ['Open to', exposed.networks.join(', ')],
    ]),
  )
  note(
    'The client has to trust the certificate of the server: where no public authority made it, tls/authority.pem in its data directory.',
  )
  note(`Close it with: paas data:unexpose ${addon.name} -a ${app}`)
}

async function unexpose(name: string, options: AppOptions): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonCalled({ api, app }, name)
  const closed = api.post<ExposureJson>(`${pathOf(addon)}/actions/unexpose`, {})
  print(options, await progress(`Closing ${addon.name} to the outside`, closed), () => '')
}
