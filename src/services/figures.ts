import type { Engine, ServiceContainer } from '../engine/engine.ts'
import type { AddonFigures, AddonUse } from '../model/addon-figures.ts'
import { asPaasError } from '../errors.ts'
import type { Addon } from '../model/addon.ts'
import type { AddonId } from '../model/ids.ts'
import { programsAt } from './image.ts'

type Deps = { engine: Pick<Engine, 'listServices' | 'execInService' | 'dynoUsage' | 'dataBytes' | 'info'> }

/** Connections to its port, as its kernel has them: of any service, and it need not be asked. */
const count = `cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
awk -v port="$(printf ':%04X$' "$SERVICE_PORT")" '$2 ~ port && $4 == "01" { open++ } END { print open + 0 }'`

/** Asks the engine and the service's own program; a service that has none tells nothing. */
export async function figuresOf({ engine }: Deps, id: AddonId, signal: AbortSignal): Promise<AddonFigures> {
  const [container] = await engine.listServices({ addonId: id })
  const [use, { host }, info] = await Promise.all([
    useOf({ engine }, { addon: { id }, container }, signal),
    engine.info(),
    container?.state.kind === 'running' ? ask(engine, container.id, [`${programsAt}/info`], signal) : undefined,
  ])
  const lines = info?.code === 0 ? info.output.split('\n') : []
  const told = lines.flatMap((line) => {
    const [, name, value] = /^([A-Z][\w ]{0,40}): (.{1,200})$/.exec(line) ?? []
    return name === undefined || value === undefined ? [] : [{ name, value }]
  })
  return { ...use, nodes: [{ host, state: container?.state.kind ?? 'absent' }], told }
}

/** What it takes now, which costs little. */
export async function useOf(
  { engine }: { engine: Pick<Engine, 'execInService' | 'dynoUsage' | 'dataBytes'> },
  { addon: { id }, container }: { addon: Pick<Addon, 'id'>; container: ServiceContainer | undefined },
  signal: AbortSignal,
): Promise<AddonUse> {
  const diskBytes = (await engine.dataBytes({ id, owner: id })) ?? null
  if (container?.state.kind !== 'running') return { since: null, memoryBytes: null, diskBytes, connections: null }
  const [usage, counted] = await Promise.all([
    unlessGoing(engine.dynoUsage(container.id), signal),
    ask(engine, container.id, ['/bin/bash', '-c', count], signal),
  ])
  const connections = counted?.code === 0 ? Number(counted.output) : null
  return { since: container.state.since, memoryBytes: usage?.memoryBytes ?? null, diskBytes, connections }
}

/** undefined where its container is just being replaced, or goes. */
async function ask(
  engine: Pick<Engine, 'execInService'>,
  id: string,
  argv: string[],
  signal: AbortSignal,
): Promise<{ code: number; output: string } | undefined> {
  return unlessGoing(engine.execInService(id, { argv }, signal), signal)
}

async function unlessGoing<T>(asked: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return asked.catch((cause: unknown) => {
    signal.throwIfAborted()
    if (!goesAway.has(asPaasError(cause).code)) throw cause
    return undefined
  })
}

const goesAway: ReadonlySet<string> = new Set(['not_found', 'engine_unavailable', 'engine_refused', 'internal'])
