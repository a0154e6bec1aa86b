import type Docker from 'dockerode'
import { PaasError } from '../../errors.ts'
import type { DynoExit } from '../../model/dyno-exit.ts'
import { unlessMissing, type DockerDeps } from './client.ts'
import { viewDyno } from './dyno-view.ts'
import { ownContainer } from './dynos.ts'
import { openEvents } from './events.ts'
import { inspectEnd, outOfMemoryFirst } from './out-of-memory.ts'

/**
 * Resolves with the next exit of a dyno, or its last if it does not run. Taken from the engine's
 * events: its own wait call reads the exit code only after it woke up, when the restart policy may
 * have started the process again and the code is 0.
 * @throws not_found when the dyno is gone before it could be watched
 */
export async function waitDyno(deps: DockerDeps, id: string, signal: AbortSignal): Promise<DynoExit> {
  const filters = { type: ['container'], container: [id], event: ['oom', 'die', 'destroy'] }
  await using changes = await openEvents(deps, filters, signal)
  const container = await ownContainer(deps, id)
  if (!container) throw gone(id)
  const last = exitOf(await unlessMissing(inspectEnd(container)))
  if (last) return last
  let outOfMemory = false
  for await (const { Action, Actor } of outOfMemoryFirst(changes.events())) {
    if (Action === 'oom') outOfMemory = true
    if (Action === 'destroy') throw gone(id)
    if (Action === 'die') {
      return (
        exitOf(await unlessMissing(container.inspect())) ?? { code: Number(Actor.Attributes['exitCode']), outOfMemory }
      )
    }
  }
  signal.throwIfAborted()
  throw new PaasError('engine_unavailable', 'The connection to Docker broke while a dyno was watched.')
}

/**
 * The exit of a dyno that does not run now; only it says for sure whether memory was the reason.
 */
function exitOf(info: Docker.ContainerInspectInfo | undefined): DynoExit | undefined {
  const state = info && viewDyno(info).state
  return state?.kind === 'exited' || state?.kind === 'restarting' ? state.exit : undefined
}

function gone(id: string): PaasError {
  return new PaasError('not_found', `There is no dyno ${id}.`)
}
