import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Logger } from '../log.ts'
import { isFinished } from '../model/build.ts'
import type { App } from '../model/app.ts'
import type { BuildId } from '../model/ids.ts'
import type { BuildRecords } from '../store/store.ts'
import { startGit } from './git-command.ts'
import type { Repositories } from '../model/repositories.ts'
import { collectGarbage } from './repository-size.ts'
import { keptBuilds } from './repository-config.ts'

export type MaintenanceDeps = {
  builds: Pick<BuildRecords, 'find'>
  repositories: Pick<Repositories, 'release'>
  log: Logger
}

/** Packs of a repository above which it is tidied up; every push adds one. */
const mostPacks = 30

/**
 * Git's own way would start a tidying process nobody knows of; this one is known, one at a time per
 * repository, and ends with the server.
 */
export class Maintenance implements AsyncDisposable {
  readonly #deps: MaintenanceDeps
  readonly #running = new Map<string, Promise<void>>()
  readonly #stop = new AbortController()

  constructor(deps: MaintenanceDeps) {
    this.#deps = deps
  }

  /** Looks whether the app's repository needs it, and does it in the background. Never rejects. */
  afterPush(app: App, repository: string): void {
    if (this.#running.has(repository) || this.#stop.signal.aborted) return
    const work = this.#tidy(app, repository)
      .catch((cause: unknown) => {
        if (!this.#stop.signal.aborted) this.#deps.log.error({ err: cause, app: app.id }, 'repository not tidied up')
      })
      .finally(() => this.#running.delete(repository))
    this.#running.set(repository, work)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the server stops'))
    await Promise.all(this.#running.values())
  }

  async #tidy(app: App, repository: string): Promise<void> {
    const files = await readdir(join(repository, 'objects/pack'))
    if (files.filter((name) => name.endsWith('.pack')).length <= mostPacks) return
    await this.#letGo(app, repository)
    await collectGarbage(repository, this.#stop.signal)
  }

  /**
   * Lets commits go whose build ended while nobody could say so: the server was killed at that
   * moment.
   */
  async #letGo({ id }: App, repository: string): Promise<void> {
    const { builds, repositories } = this.#deps
    const listing = startGit(
      repository,
      ['for-each-ref', '--format=%(refname:lstrip=-1)', keptBuilds],
      this.#stop.signal,
    )
    listing.stdin.end()
    const kept = (await text(listing.stdout)).split('\n').filter((name) => name !== '') as BuildId[]
    await listing.done
    for (const buildId of kept) {
      const build = builds.find(buildId)
      if (!build || isFinished(build.state)) await repositories.release(id, buildId)
    }
  }
}
