import { PaasError } from '../errors.ts'
import type { App } from '../model/app.ts'
import { newId, type AccountId, type AppId, type ReleaseId } from '../model/ids.ts'
import { isDuplicate, type Database } from './database.ts'
import { bequeathSlugs } from './slugs.ts'
import type { AppRecords, ReleaseRecords } from './store.ts'

type AppRow = {
  id: AppId
  name: string
  owner_id: AccountId
  stack: string
  deploy_branch: string | null
  maintenance: number
  acm: number
  https_redirect: number | null
  hsts_seconds: number | null
  features: string
  current_release_id: ReleaseId | null
  destroying: number
  created_at: number
  updated_at: number
}

export function openAppRecords(db: Database, releases: ReleaseRecords): AppRecords {
  return {
    create: (app) => create(db, releases, app),
    find: (idOrName) => {
      const row = db.get<AppRow>('SELECT * FROM apps WHERE (id = :key OR name = :key) AND destroying = 0', {
        key: idOrName,
      })
      return row && toApp(row)
    },
    get: (id) => get(db, id),
    list: (filter) => list(db, filter?.usableBy),
    listAll: () => db.all<AppRow>('SELECT * FROM apps ORDER BY name').map(toApp),
    update: (id, change) => update(db, id, change),
    setCurrentRelease: (id, releaseId) => setCurrentRelease(db, releases, id, releaseId),
    setOwner: (id, ownerId) => {
      db.run('UPDATE apps SET owner_id = :ownerId, updated_at = :now WHERE id = :id', { id, ownerId, now: Date.now() })
    },
    markDestroying: (id) =>
      db.transaction(() => {
        db.run('UPDATE apps SET destroying = 1, updated_at = :now WHERE id = :id', { id, now: Date.now() })
        // Domains, like the name, are free for other apps at once.
        db.run('DELETE FROM domains WHERE app_id = :id', { id })
        db.run('DELETE FROM managed_certificates WHERE app_id = :id', { id })
      }),
    remove: (id) => remove(db, id),
  }
}

function create(db: Database, releases: ReleaseRecords, app: Parameters<AppRecords['create']>[0]): App {
  const id = newId<AppId>()
  return db.transaction(() => {
    uniquely(app.name, () =>
      db.run(
        `INSERT INTO apps (id, name, owner_id, stack, created_at, updated_at)
         VALUES (:id, :name, :ownerId, :stack, :now, :now)`,
        { id, name: app.name, ownerId: app.ownerId, stack: app.stack, now: Date.now() },
      ),
    )
    const initial = { appId: id, slugId: null, description: 'Initial release', accountId: app.ownerId, config: {} }
    releases.setState(releases.create(initial).id, { kind: 'succeeded' })
    return known(db, id)
  })
}

function list(db: Database, usableBy?: AccountId): App[] {
  return db
    .all<AppRow>(
      `SELECT * FROM apps WHERE destroying = 0 AND (
         :account IS NULL OR owner_id = :account
         OR id IN (SELECT app_id FROM collaborators WHERE account_id = :account)
       ) ORDER BY name`,
      { account: usableBy ?? null },
    )
    .map(toApp)
}

function update(db: Database, id: AppId, change: Parameters<AppRecords['update']>[1]): App {
  return db.transaction(() => {
    const app = { ...known(db, id), ...change }
    uniquely(app.name, () =>
      db.run(
        `UPDATE apps SET name = :name, deploy_branch = :branch, maintenance = :maintenance, acm = :acm,
           https_redirect = :redirect, hsts_seconds = :hsts,
           features = :features, stack = :stack, updated_at = :now
         WHERE id = :id`,
        {
          id,
          name: app.name,
          branch: app.deployBranch,
          maintenance: app.maintenance ? 1 : 0,
          acm: app.acm ? 1 : 0,
          redirect: app.https.redirect === null ? null : Number(app.https.redirect),
          hsts: app.https.hsts,
          features: JSON.stringify(app.features),
          stack: app.stack,
          now: Date.now(),
        },
      ),
    )
    return known(db, id)
  })
}

function setCurrentRelease(db: Database, releases: ReleaseRecords, id: AppId, releaseId: ReleaseId): void {
  db.transaction(() => {
    const next = releases.find(releaseId)
    if (next?.appId !== id) throw new PaasError('internal', `Release ${releaseId} is not one of app ${id}.`)
    const { currentReleaseId } = known(db, id)
    const current = currentReleaseId ? releases.find(currentReleaseId) : undefined
    if (current && current.version > next.version) {
      throw new PaasError('release_superseded', `v${current.version} is current; v${next.version} is older.`)
    }
    releases.setState(releaseId, { kind: 'succeeded' })
    db.run('UPDATE apps SET current_release_id = :releaseId, updated_at = :now WHERE id = :id', {
      id,
      releaseId,
      now: Date.now(),
    })
  })
}

/**
 * Releases first: they refer to slugs without a cascade, so that no slug goes while a release needs
 * it.
 */
function remove(db: Database, id: AppId): void {
  db.transaction(() => {
    bequeathSlugs(db, id)
    db.run('UPDATE apps SET current_release_id = NULL WHERE id = :id', { id })
    db.run('UPDATE builds SET release_id = NULL, slug_id = NULL WHERE app_id = :id', { id })
    db.run('DELETE FROM releases WHERE app_id = :id', { id })
    db.run('DELETE FROM apps WHERE id = :id', { id })
  })
}

function get(db: Database, id: AppId): App | undefined {
  const row = db.get<AppRow>('SELECT * FROM apps WHERE id = :id', { id })
  return row && toApp(row)
}

function known(db: Database, id: AppId): App {
  const app = get(db, id)
  if (!app) throw new PaasError('app_not_found', `There is no app with the id ${id}.`)
  return app
}

function uniquely(name: string, work: () => void): void {
  try {
    work()
  } catch (cause) {
    if (!isDuplicate(cause)) throw cause
    throw new PaasError('name_taken', `The app name ${name} is taken.`, { hint: 'Choose another name.', cause })
  }
}

function toApp(row: AppRow): App {
  return {
    id: row.id,
    name: row.name,
    ownerId: row.owner_id,
    stack: row.stack,
    deployBranch: row.deploy_branch,
    maintenance: row.maintenance === 1,
    acm: row.acm === 1,
    https: { redirect: row.https_redirect === null ? null : row.https_redirect === 1, hsts: row.hsts_seconds },
    features: JSON.parse(row.features) as App['features'],
    currentReleaseId: row.current_release_id,
    destroying: row.destroying === 1,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}
