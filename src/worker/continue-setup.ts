import { createNarrator } from '../output/narrate.ts'
import { asPaasError, PaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { failure, mostPostdeployOutput, stateAfter, type AppSetup, type AppSetupState } from '../model/app-setup.ts'
import { isFinished, type Build } from '../model/build.ts'
import type { BuildId } from '../model/ids.ts'
import { commandSpec, runCommand, type CommandDeps } from '../dynos/command.ts'
import { loadDeployable, type Deployable } from '../dynos/deployable.ts'
import { explainExit } from '../model/dyno-exit.ts'
import type { Store } from '../store/store.ts'
import { shutdown } from './run-build.ts'

export type ContinueSetupDeps = CommandDeps & {
  store: Pick<Store, 'appSetups' | 'apps' | 'builds' | 'releases' | 'slugs'>
  /** Seconds the command of app.json may run. */
  timeoutSeconds: number
  log: Logger
}

/** The status of a process that was killed, as shells have it: 128 and SIGKILL's number. */
const killed = 137

/**
 * Brings a set-up to its end once its build has a verdict; does nothing for a build of another kind. The command of app.json is begun
 * once: how far one came whose worker died nobody knows, so that is a failure.
 */
export async function continueSetup(deps: ContinueSetupDeps, buildId: BuildId, signal: AbortSignal): Promise<void> {
  const { appSetups, builds } = deps.store
  const setup = appSetups.findByBuild(buildId)
  const build = builds.find(buildId)
  if (!setup || !build || !isFinished(build.state)) return
  switch (setup.state.kind) {
    case 'succeeded':
    case 'failed':
      return
    case 'postdeploy':
      return appSetups.setState(setup.id, failure('The server was restarted while the postdeploy command ran.'))
    case 'building': {
      const state = stateAfter(build.state)
      const next = state.kind === 'building' ? await postdeploy(deps, { setup, build }, signal) : state
      if (next) appSetups.setState(setup.id, next)
    }
  }
}

/** @returns undefined when the server stops meanwhile: its next start has the last word */
async function postdeploy(
  deps: ContinueSetupDeps,
  { setup, build }: { setup: AppSetup; build: Build },
  signal: AbortSignal,
): Promise<AppSetupState | undefined> {
  const { store, log } = deps
  if (signal.reason === shutdown) return undefined
  try {
    const deployable = deployableOf(store, build)
    const command = deployable.slug.appJson?.postdeploy?.trim()
    if (!command) return { kind: 'succeeded', postdeploy: null }
    store.appSetups.setState(setup.id, { kind: 'postdeploy' })
    return await run(deps, { deployable, command }, signal)
  } catch (cause) {
    if (signal.reason === shutdown) return undefined
    log.warn({ app: setup.appId, err: cause }, 'postdeploy command did not run to its end')
    return failed(asPaasError(cause).message)
  }
}

/** @throws app_not_found when it is being destroyed */
function deployableOf(store: ContinueSetupDeps['store'], { appId, releaseId }: Build): Deployable {
  const app = store.apps.get(appId)
  const release = releaseId === null ? undefined : store.releases.find(releaseId)
  if (!app || app.destroying || !release) throw new PaasError('app_not_found', 'The app is gone.')
  return loadDeployable(store, app, release)
}

async function run(
  deps: ContinueSetupDeps,
  { deployable, command }: { deployable: Deployable; command: string },
  signal: AbortSignal,
): Promise<AppSetupState> {
  const { timeoutSeconds, sizes } = deps
  const timeout = AbortSignal.timeout(timeoutSeconds * 1000)
  const printed = new Tail(deployable)
  const spec = commandSpec(deps, deployable, { type: 'run', command })
  try {
    const exit = await runCommand(deps, spec, printed.add, AbortSignal.any([signal, timeout]))
    const result = { exitCode: exit.code, output: printed.text() }
    if (exit.code === 0 && !exit.outOfMemory) return { kind: 'succeeded', postdeploy: result }
    return failed(`it ${explainExit(exit, sizes.basic)}`, result)
  } catch (cause) {
    if (!timeout.aborted || signal.aborted) throw cause
    return failed(`it ran longer than ${timeoutSeconds} s`, { exitCode: killed, output: printed.text() })
  }
}

/** The end of what a command printed, cleaned and without the values of config vars. */
class Tail {
  readonly #output: ReturnType<typeof createNarrator>
  #text = ''

  constructor({ config }: Deployable) {
    const write = (text: string): void => void (this.#text = (this.#text + text).slice(-mostPostdeployOutput))
    this.#output = createNarrator({ write, config })
  }

  add = (line: Buffer): void => this.#output.raw(line)

  text(): string {
    this.#output.end()
    return this.#text.toWellFormed()
  }
}

function failed(reason: string, postdeploy?: { exitCode: number; output: string }): AppSetupState {
  return failure(`postdeploy command failed: ${reason}`, { postdeploy: postdeploy ?? null })
}
