import { Redis, type RedisOptions } from 'ioredis'
import type { Config } from './config.ts'
import type { Logger } from './log.ts'

export type { Redis } from 'ioredis'

type RedisSettings = Config['redis']

/**
 * What the queue and the output of builds are made from. `serverId` keeps servers that share one
 * Redis apart.
 */
export type RedisDeps = { redis: RedisSettings; serverId: string; log: Logger }

/** All keys and channels of one server, under a prefix of its own. */
export function keysOf(serverId: string) {
  const prefix = `paas:${serverId}`
  return {
    prefix,
    output: (buildId: string) => `${prefix}:output:${buildId}`,
    wake: (reader: string) => `${prefix}:wake:${reader}`,
    cancel: `${prefix}:cancel`,
    expect: `${prefix}:expect`,
  }
}

/**
 * A connection that comes back by itself, at most a second after Redis did. Loss and return are
 * logged once each.
 */
export function connectRedis({ redis, log }: Pick<RedisDeps, 'redis' | 'log'>, options: RedisOptions = {}): Redis {
  const retryStrategy = (attempt: number) => Math.min(attempt * 50, 1000)
  const connection = new Redis({ ...addressOf(redis), retryStrategy, ...options, replyMapping: 'legacy' })
  let lost = false
  connection.on('error', (error) => {
    if (!lost) log.warn({ error: error.message }, 'redis cannot be reached')
    lost = true
  })
  connection.on('ready', () => {
    if (lost) log.info('redis is back')
    lost = false
  })
  return connection
}

function addressOf(redis: RedisSettings): RedisOptions {
  if (redis.kind === 'embedded') return { path: redis.socket }
  const url = new URL(redis.url)
  if (url.protocol === 'unix:') return { path: decodeURIComponent(url.pathname) }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || 6379),
    db: Number(url.pathname.slice(1) || 0),
    ...(url.username && { username: decodeURIComponent(url.username) }),
    ...(url.password && { password: decodeURIComponent(url.password) }),
    ...(url.protocol === 'rediss:' && { tls: {} }),
  }
}
