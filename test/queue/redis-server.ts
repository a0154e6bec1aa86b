import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { createLog } from '../../src/log.ts'
import type { RedisDeps } from '../../src/redis.ts'

/** A redis-server of a test's own on a Unix socket, which can be stopped, frozen and started again on the same data. */
export class TestRedis implements AsyncDisposable {
  readonly directory: string
  readonly deps: RedisDeps
  #child: ChildProcess | undefined

  private constructor(directory: string) {
    this.directory = directory
    this.deps = {
      redis: { kind: 'embedded', socket: join(directory, 'redis.sock') },
      serverId: 'test',
      log: createLog('test', 'silent'),
    }
  }

  static async start(): Promise<TestRedis> {
    const redis = new TestRedis(await mkdtemp(join(tmpdir(), 'paas-redis-')))
    await redis.start()
    return redis
  }

  async start(): Promise<void> {
    const argv = ['--port', '0', '--unixsocket', join(this.directory, 'redis.sock'), '--dir', this.directory]
    this.#child = spawn('redis-server', [...argv, '--save', '', '--appendonly', 'yes'], { stdio: 'ignore' })
    await this.command('PING')
  }

  async stop(): Promise<void> {
    if (!this.#child) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
    this.#child = undefined
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  async command(name: string, ...argv: string[]): Promise<unknown> {
    const connection = new Redis({ path: join(this.directory, 'redis.sock'), retryStrategy: () => 20 })
    connection.on('error', () => undefined)
    try {
      return await connection.call(name, ...argv)
    } finally {
      connection.disconnect()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw()
    await this.stop()
    await rm(this.directory, { recursive: true, force: true })
  }
}
