import type { Command } from 'commander'
import { defineForApp, type AppOptions } from '../command.ts'
import { note, print, progress } from '../output.ts'
import type { AppJson } from '../resources/apps.ts'
import { connectToApp } from '../session.ts'

export function defineMaintenance(program: Command): void {
  defineForApp(program, {
    name: 'maintenance',
    summary: 'show whether maintenance mode is on',
    examples: ['paas maintenance'],
  }).action(async (options: AppOptions) => {
    const { api, path } = await connectToApp(options)
    print(options, await api.get<AppJson>(path), ({ maintenance }) => (maintenance ? 'on' : 'off'))
  })

  defineForApp(program, {
    name: 'maintenance:on',
    summary: 'turn maintenance mode on',
    details: 'Visitors see a maintenance page. The dynos keep running.',
    examples: ['paas maintenance:on -a acme'],
  }).action((options: AppOptions) => turn(true, options))

  defineForApp(program, {
    name: 'maintenance:off',
    summary: 'turn maintenance mode off',
    examples: ['paas maintenance:off -a acme'],
  }).action((options: AppOptions) => turn(false, options))
}

async function turn(maintenance: boolean, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const words = maintenance ? ['on', 'off'] : ['off', 'on']
  const changed = await progress(
    `Turning maintenance mode ${words[0]} for ${app}`,
    api.patch<AppJson>(path, { maintenance }),
  )
  note(`Undo with: paas maintenance:${words[1]} -a ${app}`)
  print(options, changed, () => '')
}
