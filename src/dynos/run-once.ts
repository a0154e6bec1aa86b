import { randomInt } from 'node:crypto'
import type { DynoSpec } from '../engine/engine.ts'
import { explainExit, type DynoExit } from '../model/dyno-exit.ts'
import { dynoSpec, type Deployable } from './deployable.ts'
import type { DynoParts } from './parts.ts'

/** A command that the platform itself runs once, in a dyno of the smallest size. */
export type OneTimeCommand = {
  type: 'release' | 'run'
  /** A shell command line; absent: that of the process type. */
  command?: string
  timeoutSeconds: number
  /** Gets each line as it was printed, with its newline. */
  onOutput: (line: Buffer) => void
}

/** `problem`: why it did not succeed, such as `exited with 4` or `ran longer than 900 s`. */
export type Ended = { exitCode: number; problem: string | undefined }

/** The status of a process that was killed, as shells have it: 128 and SIGKILL's number. */
const killed = 137

type Used = Pick<DynoParts, 'engine' | 'dynoLog' | 'sizes'>

/**
 * Runs it to its end, however it ends; nothing of it is left then.
 * @throws the signal's reason, and what the engine fails with
 */
export async function runOnce(
  parts: Used,
  deployable: Deployable,
  { type, command, timeoutSeconds, onOutput }: OneTimeCommand,
  signal: AbortSignal,
): Promise<Ended> {
  if (type === 'release') await removeLeftOver(parts, deployable)
  const timeout = AbortSignal.timeout(timeoutSeconds * 1000)
  const name = `${type}.${randomInt(1000, 10_000)}`
  const spec = dynoSpec(deployable, { name, type, size: 'basic' }, { restart: false, sizes: parts.sizes })
  try {
    const wanted = command === undefined ? spec : { ...spec, command }
    const exit = await run(parts, wanted, { onOutput, signal: AbortSignal.any([signal, timeout]) })
    const isGood = exit.code === 0 && !exit.outOfMemory
    return { exitCode: exit.code, problem: isGood ? undefined : explainExit(exit, parts.sizes.basic) }
  } catch (cause) {
    if (!timeout.aborted || signal.aborted) throw cause
    return { exitCode: killed, problem: `ran longer than ${timeoutSeconds} s` }
  }
}

/**
 * One that was out of our hands while the engine was away: two at once would be two migrations at
 * once.
 */
async function removeLeftOver({ engine }: Used, { app }: Deployable): Promise<void> {
  const dynos = await engine.listDynos({ appId: app.id })
  for (const { id, type } of dynos) if (type === 'release') await engine.stopDyno(id, 0)
}

async function run(
  { engine, dynoLog }: Used,
  spec: DynoSpec,
  { onOutput, signal }: { onOutput: OneTimeCommand['onOutput']; signal: AbortSignal },
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
