import type { AppJson } from '../model/app-json.ts'
import type { AppId, BuildId, SlugId } from '../model/ids.ts'
import type { Slug } from '../model/slug.ts'
import type { Database } from './database.ts'
import type { Slugs } from './store.ts'

type SlugRow = {
  id: SlugId
  app_id: AppId
  build_id: BuildId
  commit_sha: string
  image: string
  stack: string
  process_types: string
  buildpack: string
  size: number
  app_json: string | null
  created_at: number
}

export function openSlugs(db: Database): Slugs {
  return {
    find: (id) => {
      const row = db.get<SlugRow>('SELECT * FROM slugs WHERE id = :id', { id })
      return row && toSlug(row)
    },
    list: (appId) =>
      db.all<SlugRow>('SELECT * FROM slugs WHERE app_id = :appId ORDER BY rowid DESC', { appId }).map(toSlug),
  }
}

export function insertSlug(db: Database, slug: Slug): void {
  db.run(
    `INSERT INTO slugs (id, app_id, build_id, commit_sha, image, stack, process_types, buildpack, size, app_json, created_at)
     VALUES (:id, :appId, :buildId, :commit, :image, :stack, :processTypes, :buildpack, :size, :appJson, :createdAt)`,
    {
      id: slug.id,
      appId: slug.appId,
      buildId: slug.buildId,
      commit: slug.commit,
      image: slug.image,
      stack: slug.stack,
      processTypes: JSON.stringify(slug.processTypes),
      buildpack: slug.buildpack,
      size: slug.size,
      appJson: slug.appJson ? JSON.stringify(slug.appJson) : null,
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
    ...(row.app_json === null ? {} : { appJson: JSON.parse(row.app_json) as AppJson }),
    createdAt: new Date(row.created_at),
  }
}
