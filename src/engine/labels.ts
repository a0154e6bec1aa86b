/**
 * The labels of everything an engine makes: what tells ours from others' and one server's from
 * another's.
 */
export const label = {
  server: 'paas.server',
  kind: 'paas.kind',
  app: 'paas.app',
  appName: 'paas.app-name',
  dyno: 'paas.dyno',
  type: 'paas.type',
  release: 'paas.release',
  size: 'paas.size',
  port: 'paas.port',
  host: 'paas.host',
  healthcheck: 'paas.healthcheck',
  uuid: 'paas.uuid',
  /** What the container of a service was made of. */
  version: 'paas.version',
  /** Of a volume: its id, whose it is, and what its owner calls it. */
  volume: 'paas.volume',
  owner: 'paas.owner',
  volumeName: 'paas.volume-name',
  /** Of a dyno: ids of the volumes that it alone may write, with commas between. */
  writes: 'paas.writes',
  /** On stack images, which all servers of one engine share; they carry no `server`. */
  stack: 'paas.stack',
} as const

/**
 * What a labelled thing is. One-offs are dynos that nobody starts again: `run`, release commands. A
 * session is one whose input and output are a client's.
 */
export type Kind =
  | 'dyno'
  | 'oneoff'
  | 'session'
  | 'sandbox'
  | 'network'
  | 'cache'
  | 'image'
  | 'volume'
  | 'service'
  | 'backups'
