import { newId, type AppId, type SlugId } from '../model/ids.ts'
import type { SlugDraft } from '../model/slug.ts'
import type { Database } from './database.ts'
import { insertSlug } from './slugs.ts'
import type { SlugDraftRecords } from './slug-records.ts'

type DraftRow = {
  id: SlugId
  app_id: AppId
  process_types: string
  buildpack: string | null
  commit_name: string | null
  commit_description: string | null
  sha256: string | null
  created_at: number
  expires_at: number
}

export function openSlugDraftRecords(db: Database): SlugDraftRecords {
  return {
    create: (draft) => create(db, { ...draft, id: newId<SlugId>(), createdAt: new Date() }),
    find: (id) => {
      const row = db.get<DraftRow>('SELECT * FROM slug_drafts WHERE id = :id', { id })
      return row && toDraft(row)
    },
    list: (appId) => db.all<DraftRow>('SELECT * FROM slug_drafts WHERE app_id = :appId', { appId }).map(toDraft),
    complete: (slug) =>
      db.transaction(() => {
        const isOpen = db.run('DELETE FROM slug_drafts WHERE id = :id', { id: slug.id }) > 0
        if (isOpen) insertSlug(db, slug)
        return isOpen
      }),
    removeExpired: (now) => void db.run('DELETE FROM slug_drafts WHERE expires_at <= :now', { now: now.getTime() }),
  }
}

function create(db: Database, draft: SlugDraft): SlugDraft {
  db.run(
    `INSERT INTO slug_drafts (id, app_id, process_types, buildpack, commit_name, commit_description, sha256,
       created_at, expires_at)
     VALUES (:id, :appId, :processTypes, :buildpack, :commit, :commitDescription, :sha256, :createdAt, :expiresAt)`,
    {
      ...draft,
      processTypes: JSON.stringify(draft.processTypes),
      createdAt: draft.createdAt.getTime(),
      expiresAt: draft.expiresAt.getTime(),
    },
  )
  return draft
}

function toDraft(row: DraftRow): SlugDraft {
  return {
    id: row.id,
    appId: row.app_id,
    processTypes: JSON.parse(row.process_types) as SlugDraft['processTypes'],
    buildpack: row.buildpack,
    commit: row.commit_name,
    commitDescription: row.commit_description,
    sha256: row.sha256,
    createdAt: new Date(row.created_at),
    expiresAt: new Date(row.expires_at),
  }
}
