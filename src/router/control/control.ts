import type { DataDoor } from '../../model/data-door.ts'
import type { AppId } from '../../model/ids.ts'
import type { AppRoute, Proofs, RoutingTable, Target } from '../../model/route.ts'
import type { MinuteUnderWay, RouterFigures, Silence } from './protocol.ts'

export type { RouterFigures, Silence } from './protocol.ts'

/** What the router process has counted; undefined while no router can be asked. */
export interface RouterMeasurements {
  /** Totals of all apps since the router started. */
  totals(): Promise<RouterFigures | undefined>
  /** One app's figures that are not in a file yet. */
  minute(appId: AppId): Promise<MinuteUnderWay | undefined>
}

/** Ports at which add-ons are reached from outside. */
export interface DataDoorControl {
  /**
   * Opens these and closes all others; they are kept for the next router.
   * @returns why some could not be opened, by port
   * @throws router_unavailable
   */
  installDoors(doors: DataDoor[]): Promise<Record<number, string>>
}

/**
 * What the worker asks of the router process, over its Unix socket (`connectRouterControl`).
 * Every promise rejects with `router_unavailable` when the router cannot be reached.
 */
export interface RouterControl {
  /**
   * Replaces the whole table. Resolves when it is in force and saved. Connections in flight stay.
   */
  install(table: RoutingTable): Promise<void>
  /**
   * Replaces one app's route in one step. Resolves when every new request goes to the new targets
   * and the table is saved; returns the targets that were replaced, which may still serve requests
   * in flight.
   */
  switchTo(route: AppRoute): Promise<Target[]>
  remove(appId: AppId): Promise<void>
  /**
   * Resolves when no request is in flight to any of the targets, or after `timeoutMs` (monotonic);
   * gives how many requests were still open then. WebSockets are told to close (1001), staggered,
   * first.
   */
  drain(targetIds: string[], timeoutMs: number): Promise<{ unfinished: number }>
  /**
   * Shows these proofs, and no others, for some seconds: they are told again while they are of use.
   * Gives the names of apps that have been asked for since the last call and have no certificate.
   */
  prove(proofs: Proofs): Promise<string[]>
  /** The targets of which nothing has come for so long. */
  silences(forMs: number): Promise<Silence[]>
}
