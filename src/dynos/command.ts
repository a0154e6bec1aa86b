import { randomInt } from 'node:crypto'
import type { DynoSpec, Engine } from '../engine/engine.ts'
import type { DynoExit } from '../model/dyno-exit.ts'
import type { DynoSizes } from '../model/formation.ts'
import { dynoSpec, type Deployable } from './deployable.ts'
import type { DynoLog } from './dyno-log.ts'

export type CommandDeps = {
  engine: Pick<Engine, 'runDyno' | 'stopDyno' | 'waitDyno' | 'dynoOutput'>
  dynoLog: DynoLog
  sizes: DynoSizes
}

/**
 * How a dyno is made that the platform itself runs once, of the smallest size.
 * @param command a shell command line; without it that of the process type
 */
export function commandSpec(
  { sizes }: Pick<CommandDeps, 'sizes'>,
  deployable: Deployable,
  { type, command }: { type: 'release' | 'run'; command?: string },
): DynoSpec {
  const wanted = { name: `${type}.${randomInt(1000, 10_000)}`, type, size: 'basic' as const }
  const spec = dynoSpec(deployable, wanted, { restart: false, sizes })
  return command === undefined ? spec : { ...spec, command }
}

/**
 * Runs it to its end, however it ends; nothing of it is left then.
 * @param onOutput gets each line as it was printed, with its newline
 * @throws the reason of the signal, and what the engine fails with
 */
export async function runCommand(
  { engine, dynoLog }: Omit<CommandDeps, 'sizes'>,
  spec: DynoSpec,
  onOutput: (line: Buffer) => void,
  signal: AbortSignal,
): Promise<DynoExit> {
  dynoLog.launching(spec, spec.command)
  const dyno = await engine.runDyno(spec, signal)
  try {
    dynoLog.started(dyno)
    dynoLog.up(dyno)
    for await (const { text } of engine.dynoOutput(dyno.id, { follow: true }, signal)) {
      onOutput(Buffer.concat([text, Buffer.from('\n')]))
    }
    return await engine.waitDyno(dyno.id, signal)
  } finally {
    await engine.stopDyno(dyno.id, 0)
  }
}
