import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { newId, type AppId, type BuildId } from '../../src/model/ids.ts'
import type { Job } from '../../src/model/job.ts'
import { connectQueue } from '../../src/queue/connect-queue.ts'
import { startWorker, type WorkerHandlers } from '../../src/queue/start-worker.ts'
import { TestRedis } from './redis-server.ts'

const appId = newId<AppId>()
const converge: Job = { kind: 'converge', appId }

describe('the queue', () => {
  let redis: TestRedis
  beforeEach(async () => {
    redis = await TestRedis.start()
  })
  afterEach(async () => {
    vi.useRealTimers()
    await redis[Symbol.asyncDispose]()
  })

  it('brings each job to the worker and keeps nothing of it', async () => {
    await using queue = connectQueue(redis.deps)
    const jobs: Job[] = []
    await using _worker = work(redis, { run: async (job) => void jobs.push(job) })
    const build: Job = { kind: 'build', appId, buildId: newId<BuildId>() }
    await queue.enqueue(build)
    await queue.enqueue(converge)
    await expect.poll(() => jobs).toEqual([build, converge])
    await expect.poll(() => keysLike(redis, `paas:test:jobs:build-*`)).toEqual([])
  })

  it('queues a build once however often it is asked for, and a converge every time', async () => {
    await using queue = connectQueue(redis.deps)
    const build: Job = { kind: 'build', appId, buildId: newId<BuildId>() }
    for (const job of [build, build, converge, converge]) await queue.enqueue(job)
    expect(await redis.command('LLEN', 'paas:test:jobs:wait')).toBe(3)
  })

  it('refuses while Redis is down, and serves again when it is back', async () => {
    await using queue = connectQueue(redis.deps)
    await queue.enqueue(converge)
    await redis.stop()
    await expect(queue.enqueue(converge)).rejects.toMatchObject({ code: 'queue_unavailable' })
    await expect(queue.cancel(newId<BuildId>())).rejects.toMatchObject({ code: 'queue_unavailable' })
    await redis.start()
    await expect.poll(() => queue.enqueue(converge)).toBeUndefined()
  })

  it('refuses two seconds after it asked, when Redis does not answer', async () => {
    await using queue = connectQueue(redis.deps)
    await queue.enqueue(converge)
    redis.freeze()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const refused = vi.fn<(cause: unknown) => void>()
    const asking = queue.enqueue(converge).catch(refused)
    await vi.advanceTimersByTimeAsync(1999)
    expect(refused).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    vi.useRealTimers()
    await asking
    expect(refused).toHaveBeenCalledWith(expect.objectContaining({ code: 'queue_unavailable' }))
    redis.thaw()
  })

  it('refuses when Redis was never there, or never answered', async () => {
    redis.freeze()
    await using frozen = connectQueue(redis.deps)
    await expect(frozen.enqueue(converge)).rejects.toMatchObject({ code: 'queue_unavailable' })
    redis.thaw()
    await expect.poll(() => frozen.enqueue(converge)).toBeUndefined()
    await redis.stop()
    await using queue = connectQueue(redis.deps)
    await expect(queue.enqueue(converge)).rejects.toMatchObject({ code: 'queue_unavailable' })
  })

  it('tells the worker which build to cancel', async () => {
    await using queue = connectQueue(redis.deps)
    const cancelled: BuildId[] = []
    await using _worker = work(redis, { cancel: (id) => void cancelled.push(id) })
    const id = newId<BuildId>()
    await expect.poll(async () => (await queue.cancel(id), cancelled)).toContain(id)
  })

  it('says each time Redis is there, so that lost work is looked for in the record', async () => {
    const connected = vi.fn<() => void>()
    await using _worker = work(redis, { connected })
    await expect.poll(() => connected.mock.calls.length).toBe(1)
    await redis.stop()
    await redis.start()
    await expect.poll(() => connected.mock.calls.length).toBe(2)
  })

  it('goes on with new jobs after all of Redis was wiped', async () => {
    await using queue = connectQueue(redis.deps)
    const jobs: Job[] = []
    await using _worker = work(redis, { run: async (job) => void jobs.push(job) })
    await queue.enqueue(converge)
    await expect.poll(() => jobs).toHaveLength(1)
    await redis.command('FLUSHALL')
    await queue.enqueue(converge)
    await expect.poll(() => jobs).toHaveLength(2)
  })

  it('tells the worker of a build that is expected', async () => {
    await using queue = connectQueue(redis.deps)
    const expected = vi.fn<(appId: AppId) => void>()
    await using _worker = work(redis, { expect: expected })
    await expect.poll(async () => (await queue.expect(appId), expected.mock.calls)).toContainEqual([appId])
  })

  it('keeps two servers on one Redis apart', async () => {
    await using queue = connectQueue(redis.deps)
    const mine = vi.fn<() => Promise<void>>(async () => undefined)
    const theirs = vi.fn<() => Promise<void>>(async () => undefined)
    await using _one = work(redis, { run: mine })
    await using _other = work(redis, { run: theirs }, 'another')
    await queue.enqueue(converge)
    await expect.poll(() => mine.mock.calls.length).toBeGreaterThan(0)
    expect(theirs).not.toHaveBeenCalled()
  })
})

function work(redis: TestRedis, handlers: Partial<WorkerHandlers>, serverId = 'test'): AsyncDisposable {
  const nothing = () => undefined
  const idle = { run: async () => undefined, cancel: nothing, expect: nothing, connected: nothing }
  return startWorker({ ...redis.deps, serverId, handlers: { ...idle, ...handlers }, concurrency: 4 })
}

function keysLike(redis: TestRedis, pattern: string): Promise<unknown> {
  return redis.command('KEYS', pattern)
}
