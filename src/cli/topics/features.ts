import type { Command } from 'commander'
import { defineForApp, type AppOptions } from '../command.ts'
import { heading, note, print, progress, table } from '../output.ts'
import type { FeatureJson } from '../resources/apps.ts'
import { connectToApp } from '../session.ts'

export function defineFeatures(program: Command): void {
  defineForApp(program, {
    name: 'features',
    summary: 'list the features of an app, and which are on',
    examples: ['paas features -a acme'],
  }).action(async (options: AppOptions) => {
    const { api, app, path } = await connectToApp(options)
    const all = await api.get<FeatureJson[]>(`${path}/features`)
    print(options, all, () => [
      heading(`${app} Features`),
      ...table(all.map(({ enabled, name, description }) => [enabled ? '[+]' : '[ ]', name, description])),
    ])
  })

  defineForApp(program, {
    name: 'features:enable',
    arguments: '<feature>',
    summary: 'turn a feature on',
    examples: ['paas features:enable runtime-dyno-metadata -a acme'],
  }).action((feature: string, options: AppOptions) => turn(feature, true, options))

  defineForApp(program, {
    name: 'features:disable',
    arguments: '<feature>',
    summary: 'turn a feature off',
    examples: ['paas features:disable runtime-dyno-metadata -a acme'],
  }).action((feature: string, options: AppOptions) => turn(feature, false, options))
}

async function turn(feature: string, enabled: boolean, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const change = api.patch<FeatureJson>(`${path}/features/${encodeURIComponent(feature)}`, { enabled })
  const [word, opposite] = enabled ? ['on', 'disable'] : ['off', 'enable']
  const changed = await progress(`Turning ${feature} ${word} for ${app}`, change)
  note(`Undo with: paas features:${opposite} ${feature} -a ${app}`)
  print(options, changed, () => '')
}
