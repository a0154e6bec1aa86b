import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { StoreDirectory, TestStore } from './test-store.ts'

it('a record with slugs of builds takes up slugs without one, and what referred to them still does', () => {
  using files = new StoreDirectory()
  const db = new DatabaseSync(files.path)
  const directory = resolve(import.meta.dirname, '../../src/store/migrations')
  const earlier = readdirSync(directory)
    .toSorted()
    .filter((name) => name < '0015')
  for (const name of earlier) db.exec(readFileSync(join(directory, name), 'utf8'))
  db.exec(`
    INSERT INTO accounts (id, email, admin, created_at, updated_at) VALUES ('me', 'me@example.com', 1, 1, 1);
    INSERT INTO apps (id, name, owner_id, stack, created_at, updated_at) VALUES ('app', 'acme', 'me', 'debian-13', 1, 1);
    INSERT INTO builds (id, app_id, account_id, commit_sha, no_cache, detached, created_at, updated_at)
      VALUES ('build', 'app', 'me', 'abc', 0, 0, 1, 1);
    INSERT INTO slugs (id, app_id, build_id, commit_sha, image, stack, process_types, buildpack, size, created_at)
      VALUES ('old', 'app', 'build', 'abc', 'sha256:1', 'debian-13', '{"web":"x"}', 'Node.js', 5, 1),
        ('new', 'app', 'build', 'abc', 'sha256:2', 'debian-13', '{"web":"x"}', 'Node.js', 5, 1);
    INSERT INTO releases (id, app_id, version, slug_id, description, account_id, config, state, created_at, updated_at)
      VALUES ('v1', 'app', 1, 'old', 'Deploy', 'me', x'00', 'succeeded', 1, 1);
    UPDATE builds SET slug_id = 'new', release_id = 'v1';
    PRAGMA application_id = ${0x70616173}; PRAGMA user_version = ${earlier.length}`)
  db.close()
  using store = files.open()
  expect(store.slugs.list('app' as never).map(({ id, buildId, commit }) => [id, buildId, commit])).toEqual([
    ['new', 'build', 'abc'],
    ['old', 'build', 'abc'],
  ])
  expect(store.releases.find('v1' as never)).toMatchObject({ slugId: 'old', bringsCode: true })
  expect(store.builds.find('build' as never)?.slugId).toBe('new')
  store.apps.remove('app' as never)
  expect(store.slugs.find('old' as never)).toBeUndefined()
})

it('a draft becomes a slug once, under its id, and an expired one goes', () => {
  using test = new TestStore()
  const { slugDrafts, slugs } = test.store
  const draft = test.createDraft()
  expect(slugDrafts.find(draft.id)).toEqual(draft)
  const slug = test.uploadOf(draft)
  expect([slugDrafts.complete(slug), slugDrafts.complete(slug)]).toEqual([true, false])
  expect([slugs.find(draft.id), slugDrafts.find(draft.id)]).toEqual([slug, undefined])
  test.createDraft()
  slugDrafts.removeExpired(new Date(Date.now() + 2000))
  expect(slugDrafts.list(test.app.id)).toEqual([])
})

it('a slug that another app released becomes that app’s when its own goes, and those of nobody go', () => {
  using test = new TestStore()
  const { slugs, releases, apps } = test.store
  const heir = test.createApp('heir')
  const build = test.runningBuild('a')
  const kept = test.slugOf(build)
  test.store.builds.recordSlug(build.id, 1, kept)
  const lost = test.uploadOf(test.createDraft())
  test.store.slugDrafts.complete(lost)
  const given = { slugId: kept.id, description: 'Deploy', accountId: test.account.id, config: {} }
  releases.create({ ...given, appId: heir.id, bringsCode: true })
  releases.create({ ...given, appId: test.app.id })
  expect(slugs.listReleasedElsewhere(test.app.id)).toEqual([kept])
  apps.remove(test.app.id)
  expect(slugs.find(kept.id)).toEqual({ ...kept, appId: heir.id, buildId: null })
  expect(slugs.find(lost.id)).toBeUndefined()
})

it('a slug is found by what it was built of once its build succeeded, the newest of them, until the keys are forgotten', () => {
  using test = new TestStore()
  const { builds, slugs } = test.store
  const built = (kind: 'succeeded' | 'cancelled') => {
    const build = test.runningBuild()
    const slug = { ...test.slugOf(build), buildKey: 'key' }
    builds.recordSlug(build.id, 1, slug)
    expect(slugs.findBuilt(test.app.id, 'key')?.id).not.toBe(slug.id)
    builds.finish(build.id, 1, { kind, finishedAt: new Date() })
    return slug
  }
  built('succeeded')
  const newest = built('succeeded')
  built('cancelled')
  expect(slugs.findBuilt(test.app.id, 'key')).toEqual(newest)
  expect(slugs.findBuilt(test.app.id, 'another')).toBeUndefined()
  expect(slugs.findBuilt(test.createApp('other').id, 'key')).toBeUndefined()
  slugs.forgetKeys(test.app.id)
  expect(slugs.findBuilt(test.app.id, 'key')).toBeUndefined()
})
