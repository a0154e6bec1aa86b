import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Account } from '../../src/model/account.ts'
import type { App } from '../../src/model/app.ts'
import type { Build } from '../../src/model/build.ts'
import { newId, type SlugId } from '../../src/model/ids.ts'
import type { Slug, SlugDraft } from '../../src/model/slug.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'

/** A data directory of a test's own, whose record may be opened any number of times. */
export class StoreDirectory implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'paas-store-'))
  readonly path = join(this.directory, 'paas.db')
  readonly keyPath = join(this.directory, 'key')

  open(): Store {
    return openStore(this)
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** A record with one account and one app in it. */
export class TestStore implements Disposable {
  readonly files = new StoreDirectory()
  readonly store = this.files.open()
  readonly account: Account = this.store.accounts.create({ email: 'owner@example.com', admin: false })
  readonly app: App = this.createApp('acme')

  createApp(name: string): App {
    return this.store.apps.create({ name, ownerId: this.account.id, stack: 'debian-13' })
  }

  createBuild(digit = 'a'): { build: Build; superseded: Build[] } {
    return this.store.builds.create({
      appId: this.app.id,
      accountId: this.account.id,
      commit: digit.repeat(40),
      ref: 'refs/heads/main',
      previousCommit: null,
      noCache: false,
      detached: false,
    })
  }

  /** A build that runs, in its first generation. */
  runningBuild(digit?: string): Build {
    const claimed = this.store.builds.claim(this.createBuild(digit).build.id)
    if (!claimed) throw new Error('a new build cannot be claimed')
    return claimed
  }

  slugOf(build: Build): Slug {
    return {
      id: newId<SlugId>(),
      appId: build.appId,
      buildId: build.id,
      commit: build.commit,
      image: `sha256:${'0'.repeat(64)}`,
      stack: 'debian-13',
      processTypes: { web: 'npm start', release: null },
      buildpack: 'Node.js',
      size: 1234,
      createdAt: new Date(),
    }
  }

  /** Asked for with a name and no files yet. */
  createDraft(): SlugDraft {
    return this.store.slugDrafts.create({
      appId: this.app.id,
      processTypes: { web: 'x' },
      buildpack: null,
      commit: 'v1',
      commitDescription: 'first',
      sha256: 'f'.repeat(64),
      expiresAt: new Date(Date.now() + 1000),
    })
  }

  /** The slug of a draft whose files came, not recorded yet. */
  uploadOf({ id, appId, processTypes, buildpack, commit, createdAt }: SlugDraft): Slug {
    const image = `sha256:${'1'.repeat(64)}`
    const files = { buildId: null, image, stack: 'debian-13', size: 5, sha256: 'f'.repeat(64) }
    return { id, appId, processTypes, buildpack, commit, commitDescription: 'first', createdAt, ...files }
  }

  [Symbol.dispose](): void {
    this.store[Symbol.dispose]()
    this.files[Symbol.dispose]()
  }
}
