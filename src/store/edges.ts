import { openEdge, type Edge } from '../model/edge.ts'
import type { AppId } from '../model/ids.ts'
import type { Database } from './database.ts'

export interface EdgeRecords {
  /** Nothing is set until something is. */
  of(appId: AppId): Edge
  set(appId: AppId, edge: Edge): void
}

export function openEdgeRecords(db: Database): EdgeRecords {
  return {
    of: (appId) => {
      const row = db.get<{ settings: string }>('SELECT settings FROM edges WHERE app_id = :appId', { appId })
      return row ? { ...openEdge, ...(JSON.parse(row.settings) as Partial<Edge>) } : openEdge
    },
    set: (appId, edge) => {
      db.run(
        `INSERT INTO edges (app_id, settings, updated_at) VALUES (:appId, :settings, :now)
         ON CONFLICT (app_id) DO UPDATE SET settings = :settings, updated_at = :now`,
        { appId, settings: JSON.stringify(edge), now: Date.now() },
      )
    },
  }
}
