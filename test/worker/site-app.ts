import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { isFinished, type Build } from '../../src/model/build.ts'
import { noCommit, sourcePath, type BuildSource } from '../../src/model/source.ts'
import type { App } from '../../src/model/app.ts'
import type { AppId } from '../../src/model/ids.ts'
import type { Release } from '../../src/model/release.ts'
import type { Slug } from '../../src/model/slug.ts'
import type { Dyno } from '../../src/engine/engine.ts'
import { createConfigRelease, createSlugRelease } from '../../src/release/create.ts'
import { until } from '../helpers/app.ts'
import { request, type Answer } from '../helpers/http.ts'
import { run, TestRepository } from '../helpers/repository.ts'
import type { Site } from './site.ts'

/** A Procfile command that answers every request with `text` and the config var COLOUR. */
export function serve(text: string, port = '$PORT'): string {
  const body = `"${text} " . ($ENV{COLOUR} // "none")`
  const answer = `print $c "HTTP/1.1 200 OK\\r\\nContent-Length: " . length($b) . "\\r\\nConnection: close\\r\\n\\r\\n$b"`
  const loop = `while ($c = $s->accept) { while (<$c>) { last if /^\\r?$/ } $b = ${body}; ${answer}; close $c }`
  const listen = `$s = IO::Socket::INET->new(LocalAddr => "0.0.0.0", LocalPort => ${port.replace('$PORT', '$ENV{PORT}')}, Listen => 50, ReuseAddr => 1) or die $!`
  return `exec perl -MIO::Socket::INET -e '${listen}; ${loop}'`
}

type Push = {
  Procfile: string
  build?: string
  detached?: boolean
  appJson?: object
  buildpacks?: string[] | null
}

/** An app of a site, pushed without git's wire: the commit is in the repository, the build in the record and the job in the queue. */
export class SiteApp {
  readonly site: Site
  readonly id: AppId
  readonly name: string

  private constructor(site: Site, app: App) {
    this.site = site
    this.id = app.id
    this.name = app.name
  }

  static async create(site: Site, name: string): Promise<SiteApp> {
    const app = site.store.apps.create({ name, ownerId: site.owner.id, stack: 'debian-13' })
    await site.repositories.ensure(app.id)
    return new SiteApp(site, app)
  }

  /** Gives the build as soon as it is accepted. */
  async push({ Procfile, build: step, detached = false, appJson, buildpacks = null }: Push): Promise<Build> {
    const { store, repositories, queue, owner } = this.site
    const ref = 'refs/heads/main'
    const commit = await this.#commit({
      Procfile,
      ...(step !== undefined && { build: step }),
      ...(appJson && { 'app.json': JSON.stringify(appJson) }),
    })
    const previousCommit = (await repositories.resolve(this.id, ref)) ?? null
    const asked = {
      appId: this.id,
      accountId: owner.id,
      commit,
      ref,
      previousCommit,
      noCache: false,
      detached,
      buildpacks,
    }
    const { build } = store.builds.create(asked)
    await repositories.keep(this.id, build.id, commit)
    if (detached) await repositories.moveRef(this.id, ref, commit, previousCommit)
    await queue.enqueue({ kind: 'build', appId: this.id, buildId: build.id }).catch(() => undefined)
    return build
  }

  /** Asks for a build of an uploaded tarball with these bytes. */
  async buildTarball(bytes: Buffer, asked: Partial<BuildSource> = {}): Promise<Build> {
    const { store, queue, owner, config } = this.site
    const { id } = store.sources.create(owner.id, new Date(Date.now() + 60_000))
    await writeFile(sourcePath(config.paths.sources, id), bytes)
    const tarball: BuildSource = {
      from: { kind: 'upload', id },
      version: null,
      description: null,
      sha256: null,
      ...asked,
    }
    const place = { appId: this.id, accountId: owner.id, commit: noCommit, ref: null, previousCommit: null }
    const { build } = store.builds.create({ ...place, noCache: false, detached: false, tarball })
    await queue.enqueue({ kind: 'build', appId: this.id, buildId: build.id })
    return build
  }

  /** The build once it is finished. */
  async verdict({ id }: Build): Promise<Build> {
    return until(
      'the build has a verdict',
      async () => {
        const build = this.site.store.builds.find(id)
        return build && isFinished(build.state) ? build : undefined
      },
      90_000,
    )
  }

  /** Pushes what is known to serve. */
  async deploy(Procfile: string): Promise<Build> {
    const build = await this.verdict(await this.push({ Procfile }))
    assert.equal(build.state.kind, 'succeeded', JSON.stringify(build.state))
    return build
  }

  async setConfig(change: Record<string, string | null>): Promise<Release> {
    const { store, queue, owner } = this.site
    const release = createConfigRelease(store, this, { change, accountId: owner.id })
    await queue.enqueue({ kind: 'converge', appId: this.id })
    return release
  }

  async release(slug: Slug): Promise<Release> {
    const { store, queue, owner } = this.site
    const release = createSlugRelease(store, this, { slug, accountId: owner.id })
    await queue.enqueue({ kind: 'converge', appId: this.id })
    return release
  }

  async destroy(): Promise<void> {
    this.site.store.apps.markDestroying(this.id)
    await this.site.queue.enqueue({ kind: 'converge', appId: this.id })
  }

  async scale(type: string, quantity: number): Promise<void> {
    this.site.store.formations.scale(this.id, [{ type, quantity }])
    await this.site.queue.enqueue({ kind: 'converge', appId: this.id })
  }

  get(path = '/'): Promise<Answer> {
    const { httpPort, domain } = this.site.config
    return request({ port: httpPort, host: `${this.name}.${domain}`, path })
  }

  /** Resolves when the app answers so. */
  async serves(body: string): Promise<void> {
    await until(`${this.name} answers "${body}"`, async () => (await this.get()).body === body, 60_000)
  }

  dynos(): Promise<Dyno[]> {
    return this.site.engine.listDynos({ appId: this.id })
  }

  /** The dynos, once exactly those with these names exist. */
  async runs(...names: string[]): Promise<Dyno[]> {
    const asked = async (): Promise<Dyno[] | undefined> => {
      const dynos = await this.dynos()
      const present = dynos.map(({ name }) => name).toSorted()
      return present.join() === names.join() ? dynos : undefined
    }
    return until(`${this.name} runs ${names.join(', ')}`, asked, 60_000)
  }

  get record(): App | undefined {
    return this.site.store.apps.get(this.id)
  }

  get releases(): string[] {
    return this.site.store.releases
      .list(this.id)
      .map(({ version, state }) => `v${version} ${state.kind}`)
      .toReversed()
  }

  async #commit(files: Record<string, string>): Promise<string> {
    await using repository = await TestRepository.empty()
    for (const [path, content] of Object.entries(files)) await repository.write(path, content)
    const commit = await repository.commit('a version')
    const bare = await this.site.repositories.ensure(this.id)
    const fetched = await run('git', ['-C', bare, 'fetch', '--quiet', repository.path, 'main'])
    assert.equal(fetched.code, 0, fetched.output)
    return commit
  }
}
