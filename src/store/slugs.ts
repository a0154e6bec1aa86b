import type { AppManifest } from '../model/app-json.ts'
import type { AppId, BuildId, SlugId } from '../model/ids.ts'
import type { Slug } from '../model/slug.ts'
import type { Database } from './database.ts'
import type { SlugRecords } from './slug-records.ts'

type SlugRow = {
  id: SlugId
  app_id: AppId
  build_id: BuildId | null
  commit_sha: string | null
  commit_description: string | null
  image: string
  stack: string
  process_types: string
  buildpack: string | null
  size: number
  sha256: string | null
  app_json: string | null
  build_key: string | null
  created_at: number
}

export function openSlugRecords(db: Database): SlugRecords {
  return {
    find: (id) => {
      const row = db.get<SlugRow>('SELECT * FROM slugs WHERE id = :id', { id })
      return row && toSlug(row)
    },
    list: (appId) =>
      db.all<SlugRow>('SELECT * FROM slugs WHERE app_id = :appId ORDER BY rowid DESC', { appId }).map(toSlug),
    findBuilt: (appId, key) => {
      const row = db.get<SlugRow>(
        `SELECT slugs.* FROM slugs JOIN builds ON builds.id = slugs.build_id
         WHERE slugs.app_id = :appId AND build_key = :key AND builds.state = 'succeeded'
         ORDER BY slugs.rowid DESC LIMIT 1`,
        { appId, key },
      )
      return row && toSlug(row)
    },
    forgetKeys: (appId) => {
      db.run('UPDATE slugs SET build_key = NULL WHERE app_id = :appId AND build_key IS NOT NULL', { appId })
    },
    add: (slug) => insertSlug(db, slug),
    listReleasedElsewhere: (appId) =>
      db.all<SlugRow>(`SELECT * FROM slugs WHERE app_id = :appId AND ${releasedElsewhere}`, { appId }).map(toSlug),
  }
}

/** True of a slug that an app other than its own has a release of. */
const releasedElsewhere = 'id IN (SELECT slug_id FROM releases WHERE app_id <> slugs.app_id)'

/** What other apps have releases of becomes theirs, since the app goes. */
export function bequeathSlugs(db: Database, appId: AppId): void {
  db.run(
    `UPDATE slugs SET build_id = NULL,
       app_id = (SELECT app_id FROM releases WHERE slug_id = slugs.id AND app_id <> slugs.app_id LIMIT 1)
     WHERE app_id = :appId AND ${releasedElsewhere}`,
    { appId },
  )
}

export function insertSlug(db: Database, slug: Slug): void {
  db.run(
    `INSERT INTO slugs (id, app_id, build_id, commit_sha, commit_description, image, stack, process_types, buildpack,
       size, sha256, app_json, build_key, created_at)
     VALUES (:id, :appId, :buildId, :commit, :commitDescription, :image, :stack, :processTypes, :buildpack,
       :size, :sha256, :appJson, :buildKey, :createdAt)`,
    {
      id: slug.id,
      appId: slug.appId,
      buildId: slug.buildId,
      commit: slug.commit,
      commitDescription: slug.commitDescription ?? null,
      image: slug.image,
      stack: slug.stack,
      processTypes: JSON.stringify(slug.processTypes),
      buildpack: slug.buildpack,
      size: slug.size,
      sha256: slug.sha256 ?? null,
      appJson: slug.appJson ? JSON.stringify(slug.appJson) : null,
      buildKey: slug.buildKey ?? null,
      createdAt: slug.createdAt.getTime(),
    },
  )
}

function toSlug(row: SlugRow): Slug {
  return {
    id: row.id,
    appId: row.app_id,
    buildId: row.build_id,
    commit: row.commit_sha,
    image: row.image,
    stack: row.stack,
    processTypes: JSON.parse(row.process_types) as Slug['processTypes'],
    buildpack: row.buildpack,
    size: row.size,
    ...(row.commit_description === null ? {} : { commitDescription: row.commit_description }),
    ...(row.sha256 === null ? {} : { sha256: row.sha256 }),
    ...(row.app_json === null ? {} : { appJson: JSON.parse(row.app_json) as AppManifest }),
    ...(row.build_key === null ? {} : { buildKey: row.build_key }),
    createdAt: new Date(row.created_at),
  }
}
