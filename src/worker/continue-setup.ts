import { createNarrator } from '../output/narrate.ts'
import { asPaasError, PaasError } from '../errors.ts'
import { failure, mostPostdeployOutput, stateAfter, type AppSetup, type AppSetupState } from '../model/app-setup.ts'
import { isFinished, type Build } from '../model/build.ts'
import type { BuildId } from '../model/ids.ts'
import { shutdown } from '../model/stop-reasons.ts'
import { loadDeployable, type Deployable } from '../dynos/deployable.ts'
import type { WorkerParts } from './parts.ts'

type Used = Pick<WorkerParts, 'store' | 'dynos' | 'config' | 'log'>

/**
 * Brings a set-up to its end once its build has a verdict; does nothing for a build of another
 * kind. The command of app.json is begun once: how far one came whose worker died nobody knows, so
 * that is a failure.
 */
export async function continueSetup(parts: Used, buildId: BuildId, signal: AbortSignal): Promise<void> {
  const { appSetups, builds } = parts.store
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
      const next = state.kind === 'building' ? await postdeploy(parts, { setup, build }, signal) : state
      if (next) appSetups.setState(setup.id, next)
    }
  }
}

/** @returns undefined when the server stops meanwhile: its next start has the last word */
async function postdeploy(
  parts: Used,
  { setup, build }: { setup: AppSetup; build: Build },
  signal: AbortSignal,
): Promise<AppSetupState | undefined> {
  const { store, log } = parts
  if (signal.reason === shutdown) return undefined
  try {
    const deployable = deployableOf(store, build)
    const command = deployable.slug.appJson?.postdeploy?.trim()
    if (!command) return { kind: 'succeeded', postdeploy: null }
    store.appSetups.setState(setup.id, { kind: 'postdeploy' })
    return await run(parts, { deployable, command }, signal)
  } catch (cause) {
    if (signal.reason === shutdown) return undefined
    log.warn({ app: setup.appId, err: cause }, 'postdeploy command did not run to its end')
    return failure(`postdeploy command failed: ${asPaasError(cause).message}`, { postdeploy: null })
  }
}

/** @throws app_not_found when it is being destroyed */
function deployableOf(store: Used['store'], { appId, releaseId }: Build): Deployable {
  const app = store.apps.get(appId)
  const release = releaseId === null ? undefined : store.releases.find(releaseId)
  if (!app || app.destroying || !release) throw new PaasError('app_not_found', 'The app was destroyed.')
  return loadDeployable(store, app, release)
}

async function run(
  { dynos, config }: Used,
  { deployable, command }: { deployable: Deployable; command: string },
  signal: AbortSignal,
): Promise<AppSetupState> {
  const { timeoutSeconds } = config.build
  const printed = new Tail(deployable)
  const asked = { type: 'run' as const, command, timeoutSeconds, onOutput: printed.add }
  const { exitCode, problem } = await dynos.runOnce(deployable, asked, signal)
  const postdeploy = { exitCode, output: printed.text() }
  if (problem === undefined) return { kind: 'succeeded', postdeploy }
  return failure(`postdeploy command failed: it ${problem}`, { postdeploy })
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
