import { text } from 'node:stream/consumers'
import type { Engine } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { AddonId } from '../model/ids.ts'
import { programsAt } from './image.ts'

type Deps = { engine: Pick<Engine, 'listServices' | 'streamInService'> }

/** A service's programs that an owner may ask for at once. */
export type AskedProgram = 'configure' | 'disconnect'

/**
 * Runs a program of a service beside it.
 * @returns what it prints
 * @throws invalid_params with the line that it refuses with
 */
export async function runProgram(
  { engine }: Deps,
  { id, program, env }: { id: AddonId; program: AskedProgram; env: Record<string, string> },
  signal: AbortSignal,
): Promise<string> {
  const [container] = await engine.listServices({ addonId: id })
  if (container?.state.kind !== 'running') throw new PaasError('invalid_params', 'The add-on is not running.')
  const command = { argv: [`${programsAt}/${program}`], env }
  const { input, output, ended } = await engine.streamInService(container.id, command, signal)
  input.end()
  const printed = await text(output)
  const { code, said } = await ended()
  if (code === 0) return printed
  const reason = said.trim().split('\n').at(-1)?.slice(0, 300)
  throw new PaasError('invalid_params', reason || `${program} exited with ${code}.`)
}
