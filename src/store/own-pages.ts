import type { AppId } from '../model/ids.ts'
import type { OwnPage, PageContent, PageKind } from '../model/own-page.ts'
import type { Database } from './database.ts'

export interface OwnPageRecords {
  list(appId: AppId): OwnPage[]
  /** What is shown from now on. @param page.asked `markOfAddress` */
  show(appId: AppId, kind: PageKind, page: { asked: string } & PageContent): void
  /** What was shown before stays. */
  fail(appId: AppId, kind: PageKind, failure: { asked: string; problem: string }): void
  remove(appId: AppId, kind: PageKind): void
  /** All are fetched anew. */
  expire(appId: AppId): void
  /** What any app shows. */
  contents(): string[]
}

type Row = {
  kind: PageKind
  asked: string
  asked_at: number
  problem: string | null
  content: string | null
  bytes: number
  fetched_at: number
}

export function openOwnPageRecords(db: Database): OwnPageRecords {
  return {
    list: (appId) =>
      db.all<Row>('SELECT * FROM own_pages WHERE app_id = :appId ORDER BY kind', { appId }).map(toOwnPage),
    show: (appId, kind, { asked, content, bytes, fetchedAt }) => {
      db.run(
        `INSERT OR REPLACE INTO own_pages (app_id, kind, asked, asked_at, content, bytes, fetched_at)
         VALUES (:appId, :kind, :asked, :now, :content, :bytes, :now)`,
        { appId, kind, asked, content, bytes, now: fetchedAt.getTime() },
      )
    },
    fail: (appId, kind, { asked, problem }) => {
      db.run(
        `INSERT INTO own_pages (app_id, kind, asked, asked_at, problem) VALUES (:appId, :kind, :asked, :now, :problem)
         ON CONFLICT (app_id, kind) DO UPDATE SET asked = :asked, asked_at = :now, problem = :problem`,
        { appId, kind, asked, problem, now: Date.now() },
      )
    },
    remove: (appId, kind) => {
      db.run('DELETE FROM own_pages WHERE app_id = :appId AND kind = :kind', { appId, kind })
    },
    expire: (appId) => {
      db.run("UPDATE own_pages SET asked = '' WHERE app_id = :appId", { appId })
    },
    contents: () =>
      db
        .all<{ content: string }>('SELECT DISTINCT content FROM own_pages WHERE content IS NOT NULL')
        .map(({ content }) => content),
  }
}

function toOwnPage({ kind, asked, asked_at, problem, content, bytes, fetched_at }: Row): OwnPage {
  const shown = content === null ? null : { content, bytes, fetchedAt: new Date(fetched_at) }
  return { kind, asked, askedAt: new Date(asked_at), problem, shown }
}
