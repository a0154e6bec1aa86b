import { PaasError } from '../../errors.ts'
import type { Config } from '../../config.ts'
import type { Logger } from '../../log.ts'
import { AllProcesses } from './all-processes.ts'
import { callIfThere } from './client.ts'
import { ControlledRouter, type ControlledRouterDeps } from './controlled-router.ts'
import { Others } from './others.ts'
import type { Call } from './protocol.ts'
import { serveControl, type ControlServer } from './server.ts'
import { controlSocketOf } from './sockets.ts'

type Deps = {
  config: Pick<Config, 'paths' | 'router' | 'httpPort' | 'httpsPort'>
  version: string
  log: Logger
}
type Parts = Omit<ControlledRouterDeps, 'table' | 'version' | 'settings' | 'log'>
type Answer = (call: Call) => Promise<unknown>

/**
 * The first process takes the calls of all others in the server: one socket for all calls, and one
 * for the api, which is only told what was counted.
 */
export async function openControl(deps: Deps, parts: Parts): Promise<ControlServer> {
  const { paths } = deps.config
  const all = allProcesses(deps, controlled(deps, parts))
  const answer: Answer = (call) => all.answer(call)
  const control = await serveControl({ socketPath: paths.routerSocket, log: deps.log, answer })
  const figures = await serveControl({
    socketPath: paths.routerFiguresSocket,
    log: deps.log,
    answer: onlyFigures(answer),
  })
  void all.agree()
  return {
    close: () => (control.close(), figures.close()),
    destroy: () => (control.destroy(), figures.destroy()),
  }
}

/**
 * Any other process takes calls of the first one.
 * @returns `begun` resolves when it has the table that the first one has
 */
export async function joinControl(deps: Deps, parts: Parts): Promise<ControlServer & { begun: Promise<void> }> {
  const { paths, router } = deps.config
  const own = controlled({ ...deps, saves: false }, parts)
  const socketPath = controlSocketOf(paths, router.number)
  const control = await serveControl({ socketPath, log: deps.log, answer: (call) => own.answer(call) })
  const begun = own.begin(() => callIfThere(paths.routerSocket, { call: 'table' }, 'may end'))
  return { ...control, begun }
}

function controlled({ config, version, log, saves = true }: Deps & { saves?: boolean }, parts: Parts) {
  const { paths, httpPort, httpsPort } = config
  const table = saves ? paths : undefined
  return new ControlledRouter({ ...parts, table, version, settings: { httpPort, httpsPort }, log })
}

function allProcesses({ config, log }: Deps, own: ControlledRouter): AllProcesses {
  const numbers = Array.from({ length: config.router.processes - 1 }, (_, i) => i + 2)
  const others = new Others(numbers.map((number) => controlSocketOf(config.paths, number)))
  return new AllProcesses({ own, others, log })
}

function onlyFigures(answer: Answer): Answer {
  return async (call) => {
    if (call.call === 'measurements' || call.call === 'minute') return answer(call)
    throw new PaasError('bad_request', `The router is not told to ${call.call} here.`)
  }
}
