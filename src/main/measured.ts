import type { RoleFigures, WorkerFigures } from '../model/figures.ts'
import type { Measured } from '../api/deps.ts'
import type { Paths } from '../paths.ts'
import { isCode } from '../errors.ts'
import type { Logger } from '../log.ts'
import { readFigures } from '../metrics/figure-reader.ts'
import { RoleMeter } from '../metrics/role-meter.ts'
import { askFigures } from '../metrics/role-socket.ts'
import { supervisorMemory } from '../metrics/supervisor-memory.ts'
import { connectRouterMeasurements } from '../router/control/client.ts'

/** The sources of the api's figures: the files of the apps, and the sockets of the other roles. */
export function openMeasured({ paths, log }: { paths: Paths; log: Logger }): Measured & Disposable {
  const meter = new RoleMeter()
  return {
    figures: (appId, span) => readFigures({ directory: paths.metrics, log }, appId, span),
    router: connectRouterMeasurements(paths.routerFiguresSocket),
    worker: () => askFigures<WorkerFigures>(paths.workerSocket),
    gate: () => whereThere(askFigures<RoleFigures>(paths.gateFiguresSocket)),
    supervisorMemory: () => supervisorMemory(paths.lock),
    own: () => meter.figures(),
    [Symbol.dispose]: () => meter[Symbol.dispose](),
  }
}

/** A gate that does not listen leaves its socket; without one there was none. */
async function whereThere<T>(figures: Promise<T>): Promise<T | null> {
  try {
    return await figures
  } catch (cause) {
    if (isCode(cause, 'ENOENT')) return null
    throw cause
  }
}
