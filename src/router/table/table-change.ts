import type { AppId } from '../../model/ids.ts'
import type { AppRoute, RoutingTable } from '../../model/route.ts'
import { isAppRoute } from './table-schema.ts'

/** The app has this route from now on; without one it is unknown. */
export type TableChange = { appId: AppId; route?: AppRoute }

/**
 * The table after a change, each app in its place. Pure.
 */
export function changeTable(table: RoutingTable, { appId, route }: TableChange): RoutingTable {
  const at = table.routes.findIndex((other) => other.appId === appId)
  const place = at === -1 ? table.routes.length : at
  return { ...table, routes: table.routes.toSpliced(place, 1, ...(route ? [route] : [])) }
}

export function isTableChange(value: unknown): value is TableChange {
  const { appId, route } = (value ?? {}) as Partial<TableChange>
  return typeof appId === 'string' && (route === undefined || (isAppRoute(route) && route.appId === appId))
}
