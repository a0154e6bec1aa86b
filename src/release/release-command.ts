import { randomInt } from 'node:crypto'
import type { DynoExit, Engine } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { DynoSizes } from '../model/formation.ts'
import { dynoSpec, type Deployable } from './deployable.ts'
import { explainExit } from './explain.ts'
import type { Narrator } from './narrator.ts'
import type { DynoLog } from './dyno-log.ts'

export type ReleaseCommandDeps = {
  engine: Pick<Engine, 'runDyno' | 'stopDyno' | 'waitDyno' | 'dynoOutput'>
  dynoLog: DynoLog
  sizes: DynoSizes
  /** How long it may run, in seconds. */
  timeoutSeconds: number
}

/** `onOutput` gets each line as the command printed it. */
type Options = { narrator: Narrator; signal: AbortSignal; onOutput: (line: Buffer) => void }

/**
 * Runs the `release` process type, if there is one, as a one-off dyno with the new slug and config; what it prints goes to `narrator`.
 * After a crash of the server it may run a second time for the same release.
 * @throws release_command_failed
 */
export async function runReleaseCommand(
  deps: ReleaseCommandDeps,
  deployable: Deployable,
  { narrator, signal, onOutput }: Options,
): Promise<void> {
  if (!deployable.slug.processTypes['release']) return
  narrator.topic('Running release command...')
  const timeout = AbortSignal.timeout(deps.timeoutSeconds * 1000)
  const exit = await runOnce(deps, deployable, {
    narrator,
    onOutput,
    signal: AbortSignal.any([signal, timeout]),
  }).catch((cause) => {
    if (!timeout.aborted || signal.aborted) throw cause
    throw failed(`it ran longer than ${deps.timeoutSeconds} s`, cause)
  })
  if (exit.code !== 0 || exit.outOfMemory) throw failed(`it ${explainExit(exit, deps.sizes.basic)}`)
}

async function runOnce(
  { engine, dynoLog, sizes }: ReleaseCommandDeps,
  deployable: Deployable,
  { narrator, signal, onOutput }: Options,
): Promise<DynoExit> {
  const wanted = { name: `release.${randomInt(1000, 10_000)}`, type: 'release', size: 'basic' as const }
  const spec = dynoSpec(deployable, wanted, { restart: false, sizes })
  dynoLog.launching(spec, spec.command)
  const dyno = await engine.runDyno(spec, signal)
  try {
    dynoLog.started(dyno)
    for await (const { text } of engine.dynoOutput(dyno.id, { follow: true }, signal)) {
      onOutput(Buffer.concat([text, Buffer.from('\n')]))
      narrator.raw(Buffer.concat([Buffer.from('       '), text, Buffer.from('\n')]))
    }
    return await engine.waitDyno(dyno.id, signal)
  } finally {
    await engine.stopDyno(dyno.id, 0)
  }
}

function failed(reason: string, cause?: unknown): PaasError {
  return new PaasError('release_command_failed', `release command failed: ${reason}`, { cause })
}
