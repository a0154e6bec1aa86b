import type { Command } from 'commander'
import { define, type Options } from '../command.ts'
import { print, table } from '../output.ts'
import type { RegionJson } from '../resources/apps.ts'
import { connect } from '../session.ts'

export function defineRegions(program: Command): void {
  define(program, {
    name: 'regions',
    summary: 'list the regions of the server',
    details: 'A server has one region.',
    examples: ['paas regions'],
  }).action(async (options: Options) => {
    const regions = await connect().get<RegionJson[]>('/regions')
    print(options, regions, () => table(regions.map(({ name, description }) => [name, description])))
  })
}
