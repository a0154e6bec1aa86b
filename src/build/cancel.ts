import { isFinished, type Build, type BuildState } from '../model/build.ts'
import type { AppId } from '../model/ids.ts'
import { cancelled } from '../model/stop-reasons.ts'
import type { OutputWriters } from '../model/output.ts'
import type { Store } from '../store/store.ts'

/** Milliseconds between two looks at the database for a cancellation that Redis did not bring. */
const lookEvery = 1000
/** How many of an app's latest builds may have been finished by somebody else a moment ago. */
const latest = 20

type Deps = { store: Pick<Store, 'builds'> }

/** Stops a running build when the database says that it should, until disposed of. */
export function watchForCancel({ store }: Deps, { id }: Build, stop: AbortController): Disposable {
  const look = (): void => {
    const state = store.builds.find(id)?.state
    if (state?.kind === 'running' && state.cancelRequested) stop.abort(cancelled())
  }
  look()
  const timer = setInterval(look, lookEvery)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/**
 * Builds that were superseded or cancelled before they ran: nobody else ends what their readers
 * wait for.
 */
export async function endOutputs(deps: Deps & { outputs: OutputWriters }, appId: AppId): Promise<void> {
  for (const { id, state } of deps.store.builds.list(appId).slice(0, latest)) {
    if (isFinished(state)) await deps.outputs.close(id, lastWords(state))
  }
}

function lastWords(state: BuildState): string {
  switch (state.kind) {
    case 'superseded':
      return ` !     Superseded by ${state.by.slice(0, 7)}.\n`
    case 'cancelled':
      return ' !     Build cancelled.\n'
    case 'failed':
      return ` !     ${state.reason}\n`
    case 'pending':
    case 'running':
    case 'succeeded':
      return ''
  }
}
