import type { AppId } from './ids.ts'

/** One dyno as the router sees it. `dyno` is its name (`web.1`), `id` the engine's id. */
export type Target = { id: string; dyno: string; release: number; host: string; port: number }

/** Where the requests for one app go. Targets are replaced as a whole, in one step. */
export type AppRoute = {
  appId: AppId
  app: string
  /** Lower-case host names without port. */
  hosts: string[]
  /** What an app without targets answers: `blank` never deployed (H81), `down` scaled to 0 (H14), `crashed` (H10), `maintenance` (H80). */
  state: 'up' | 'blank' | 'down' | 'crashed' | 'maintenance'
  targets: Target[]
}

/** Everything the router needs to serve, and what it keeps on disk to start from. */
export type RoutingTable = {
  /** The host that leads to the api, lower-case, without port. */
  controlHost: string
  /** Path of the api's Unix socket. */
  controlSocket: string
  routes: AppRoute[]
}
