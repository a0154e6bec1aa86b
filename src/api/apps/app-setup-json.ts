import { appUrl } from '../../model/app.ts'
import { stateAfter, type AppSetup, type AppSetupState } from '../../model/app-setup.ts'
import type { Build } from '../../model/build.ts'
import type { Asker } from '../../model/grant.ts'
import type { Store } from '../../store/store.ts'
import { outputUrl, buildStatus, type BuildJsonDeps } from '../builds/build-json.ts'
import { time } from '../http/shapes.ts'

/** Heroku's app set-up. */
export function appSetupJson(deps: BuildJsonDeps, setup: AppSetup, asker: Asker): object {
  const { store, config } = deps
  const build = store.builds.find(setup.buildId)
  const name = store.apps.get(setup.appId)?.name ?? ''
  const state = stateOf(store, setup)
  const { postdeploy = null } = state.kind === 'succeeded' || state.kind === 'failed' ? state : {}
  return {
    id: setup.id,
    created_at: time(setup.createdAt),
    updated_at: time(setup.updatedAt),
    status: isOpen(state) ? 'pending' : state.kind,
    failure_message: state.kind === 'failed' ? state.reason : null,
    app: { id: setup.appId, name },
    build: build
      ? { id: build.id, status: buildStatus(build), output_stream_url: outputUrl(deps, build, asker) }
      : null,
    manifest_errors: state.kind === 'failed' ? state.manifestErrors : [],
    postdeploy: postdeploy && { exit_code: postdeploy.exitCode, output: postdeploy.output },
    resolved_success_url: build ? successUrl(store, build, appUrl(config.publicUrl, name)) : null,
  }
}

/** The state in the database, or the build's verdict if the worker has not seen it yet. */
export function stateOf({ builds }: Pick<Store, 'builds'>, { state, buildId }: AppSetup): AppSetupState {
  const build = builds.find(buildId)
  return state.kind === 'building' && build ? stateAfter(build.state) : state
}

export function isOpen({ kind }: AppSetupState): boolean {
  return kind === 'building' || kind === 'postdeploy'
}

/** A stranger wrote this URL and people click it, so only web addresses are shown. */
function successUrl({ slugs }: Pick<Store, 'slugs'>, { slugId }: Build, appAddress: string): string | null {
  const asked = slugId === null ? undefined : slugs.find(slugId)?.appJson?.successUrl
  const url = asked ? URL.parse(asked, appAddress) : null
  return url && /^https?:$/.test(url.protocol) ? url.href : null
}
