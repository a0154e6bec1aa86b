import type { RouteEdge } from './edge.ts'
import type { AppId } from './ids.ts'
import type { RoutePages } from './own-page.ts'

/** One dyno as the router sees it. `dyno` is its name (`web.1`), `id` the engine's id. */
export type Target = { id: string; dyno: string; release: number; host: string; port: number }

/** PEM, with the private key: only ever in files and on sockets of this user alone. */
export type HostCertificate = {
  hosts: string[]
  certificate: string
  key: string
  /** Milliseconds since 1970, for one that came by itself: browsers know who issued it. */
  until?: number
}

/** Where the requests for one app go. Targets are replaced as a whole, in one step. */
export type AppRoute = {
  appId: AppId
  app: string
  /** Lower-case host names without port; `*.example.com` for all below it that no route names. */
  hosts: string[]
  /** What visitors of some of the hosts are shown instead of the server's own certificate. */
  certificates?: HostCertificate[]
  /** What its users set of HTTPS; `hsts`: seconds. */
  https?: { redirect?: boolean; hsts?: number }
  /**
   * What an app without targets answers: `blank` never deployed (H81), `down` scaled to 0 (H14),
   * `crashed` (H10), `maintenance` (H80). `held`: its only dyno is being replaced, and requests
   * wait for the next one (H90 when that takes too long).
   */
  state: 'up' | 'blank' | 'down' | 'crashed' | 'maintenance' | 'held'
  targets: Target[]
  /**
   * The dynos that `targets` take over from, until those have held: they get what no target takes.
   */
  standby?: Target[]
  /** What its owner set of the requests that it gets. */
  edge?: RouteEdge
  /** What it shows in place of the router's pages. */
  pages?: RoutePages
  /** It has one dyno at a time: a request that it refuses waits, as those of a held one do. */
  patient?: true
}

/** Everything the router needs to serve, and what it keeps on disk to start from. */
export type RoutingTable = {
  /** The host that leads to the api, lower-case, without port. */
  controlHost: string
  /** Path of the api's Unix socket. */
  controlSocket: string
  routes: AppRoute[]
  /** What is shown for the control host, and for hosts of apps that have none of their own. */
  certificates?: HostCertificate[]
}

/** What proves to an authority that hosts are ours, while it looks (RFC 8555, RFC 8737). */
export type Proofs = {
  /** What is answered at `/.well-known/acme-challenge/TOKEN`. */
  http: { host: string; token: string; answer: string }[]
  /** What is shown to clients that speak `acme-tls/1`. `host`: as it is in their handshake. */
  tls: { host: string; certificate: string; key: string }[]
  /** Names of apps get a certificate when somebody first asks for it. */
  onDemand: boolean
}
