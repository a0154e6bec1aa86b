import type { Engine } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { AppId, ReleaseId } from '../model/ids.ts'
import { ownCommit, slugVersion } from '../model/slug.ts'
import type { Store } from '../store/store.ts'
import type { Deployable } from './deployable.ts'
import type { PlatformLog } from '../logs/platform-log.ts'

type LostImagesDeps = {
  engine: Pick<Engine, 'findImage'>
  store: Pick<Store, 'builds'>
  platformLog: Pick<PlatformLog, 'api'>
}

/**
 * Images of current releases that somebody removed by hand. Nobody waits for their dynos, so the
 * app's log says why there are none.
 */
export class LostImages {
  readonly #deps: LostImagesDeps
  /** Looked at again and again, each is told of once. */
  readonly #told = new Map<AppId, ReleaseId>()

  constructor(deps: LostImagesDeps) {
    this.#deps = deps
  }

  /** Whether dynos can be started of this image; if not, the log has been told. */
  async isThere(deployable: Deployable): Promise<boolean> {
    const { engine, store, platformLog } = this.#deps
    const { app, release, slug } = deployable
    if (await engine.findImage(slug.image)) {
      this.#told.delete(app.id)
      return true
    }
    if (this.#told.get(app.id) === release.id) return false
    this.#told.set(app.id, release.id)
    const problem = `The image of v${release.version} is missing in Docker, so its dynos cannot start.`
    platformLog.api(app.id, `${problem} ${howToBuildAgain(store, deployable)}`)
    return false
  }

  /**
   * For those that somebody waits for: images of releases long replaced are swept.
   * @throws boot_failed when it is gone
   */
  async refuse(deployable: Deployable): Promise<void> {
    const { engine, store } = this.#deps
    if (await engine.findImage(deployable.slug.image)) return
    const problem = `boot failed: the image of v${deployable.release.version} is missing in Docker`
    throw new PaasError('boot_failed', `${problem}. ${howToBuildAgain(store, deployable)}`)
  }
}

/** What to type. A push to the branch itself would find everything up to date. */
function howToBuildAgain({ builds }: Pick<Store, 'builds'>, { app, slug }: Pick<Deployable, 'app' | 'slug'>): string {
  const build = ownCommit(slug, app.id) && slug.buildId ? builds.find(slug.buildId) : undefined
  if (!build) return 'Release its slug again, or upload it: paas slugs:create'
  if (build.source) return 'Build its source again: paas builds:create'
  return `Build it again: git push paas ${slugVersion(slug)}:refs/deploy/${app.deployBranch ?? 'main'}`
}
