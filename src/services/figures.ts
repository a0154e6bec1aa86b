import type { Engine } from '../engine/engine.ts'
import type { AddonFigures } from '../model/addon-figures.ts'
import type { AddonId } from '../model/ids.ts'
import { programsAt } from './image.ts'

type Deps = { engine: Pick<Engine, 'listServices' | 'execInService' | 'dynoUsage' | 'dataBytes'> }

/** Asks the engine and the service's own program; a service that has none tells nothing. */
export async function figuresOf({ engine }: Deps, id: AddonId, signal: AbortSignal): Promise<AddonFigures> {
  const [container] = await engine.listServices({ addonId: id })
  const diskBytes = (await engine.dataBytes({ id, owner: id })) ?? null
  if (container?.state.kind !== 'running') return { since: null, memoryBytes: null, diskBytes, told: [] }
  const [usage, info] = await Promise.all([
    engine.dynoUsage(container.id),
    engine.execInService(container.id, { argv: [`${programsAt}/info`] }, signal),
  ])
  const lines = info.code === 0 ? info.output.split('\n') : []
  const told = lines.flatMap((line) => {
    const [, name, value] = /^([A-Z][\w ]{0,40}): (.{1,200})$/.exec(line) ?? []
    return name === undefined || value === undefined ? [] : [{ name, value }]
  })
  return { since: container.state.since, memoryBytes: usage?.memoryBytes ?? null, diskBytes, told }
}
