import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectContainers } from '../../src/containers/client.ts'
import type { Containers, Dyno } from '../../src/containers/containers.ts'
import { serveContainers } from '../../src/containers/server.ts'
import { PaasError } from '../../src/errors.ts'
import { createLog } from '../../src/log.ts'
import { newId, type AppId, type SlugId } from '../../src/model/ids.ts'

const appId = newId<AppId>()
const slug = { id: newId<SlugId>(), app: { id: appId, name: 'acme' }, stack: 'debian-13' }
const image = `sha256:${'a'.repeat(64)}`
const signal = new AbortController().signal

let directory: string
let socketPath: string
let life: AsyncDisposableStack
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'paas-wire-'))
  socketPath = join(directory, 'containers.sock')
  life = new AsyncDisposableStack()
  life.defer(() => rmSync(directory, { recursive: true }))
})
afterEach(() => life.disposeAsync())

function refuse(): never {
  throw new Error('nobody should ask this')
}

/** A worker whose engine is these functions, and who asks it. */
async function worker(answers: Partial<Containers>): Promise<Containers & { stop: () => Promise<void> }> {
  const verbs = { machine: refuse, listDynos: refuse, removeCache: refuse, addSlug: refuse, readSlug: refuse }
  const containers = { ...verbs, ...answers } as Containers
  const server = await serveContainers({ socketPath, containers, log: createLog('test', 'silent') })
  let isStopped = false
  const stop = async (): Promise<void> => {
    if (!isStopped) await server[Symbol.asyncDispose]()
    isStopped = true
  }
  life.defer(stop)
  return { ...connectContainers(socketPath), stop }
}

const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (cause: unknown) => cause,
  )

/** One request as it is, by whoever has the socket. */
async function raw(method: string, path: string): Promise<string> {
  const outgoing = request({ socketPath, method, path, agent: false }).end()
  const [answer] = (await once(outgoing, 'response')) as [Readable & { statusCode: number }]
  return `${answer.statusCode} ${await text(answer)}`
}

describe('what the api asks the worker about containers', () => {
  it('is answered as the engine answers, times included', async () => {
    const at = new Date('2026-11-26T12:00:00.123Z')
    const facts = { appId, type: 'web', size: 'basic', release: 3, attached: false, image, restarts: 1, createdAt: at }
    const states: Dyno['state'][] = [
      { kind: 'created' },
      { kind: 'running', since: at },
      { kind: 'exited', since: at, exit: { code: 1, outOfMemory: false } },
      { kind: 'restarting', since: at, exit: { code: 137, outOfMemory: true }, nextStart: at },
    ]
    const dynos = states.map((state, n) => ({
      ...facts,
      id: `${n}`,
      name: `web.${n}`,
      address: undefined,
      port: 5000,
      state,
    }))
    const asked = await worker({
      machine: async () => ({ cpus: 2, memoryMiB: 4096 }),
      listDynos: async (filter) => (filter.appId === appId ? dynos : []),
      removeCache: async () => undefined,
      readSlug: async () => undefined,
    })
    expect(await asked.machine()).toEqual({ cpus: 2, memoryMiB: 4096 })
    expect(await asked.listDynos({ appId })).toEqual(dynos)
    expect(await asked.removeCache(appId)).toBeUndefined()
    expect(await asked.readSlug(image, signal)).toBeUndefined()
  })

  it('is refused with its own code, message and hint', async () => {
    const error = new PaasError('cache_in_use', 'A build uses it.', { hint: 'Wait.' })
    const asked = await worker({
      removeCache: () => Promise.reject(error),
      machine: () => Promise.reject(new Error('x')),
    })
    await expect(asked.removeCache(appId)).rejects.toMatchObject({
      code: error.code,
      message: error.message,
      hint: 'Wait.',
    })
    await expect(asked.machine()).rejects.toMatchObject({
      code: 'internal',
      message: expect.not.stringContaining('x '),
    })
  })

  it('is one of five things, of ids in their form, over a socket that is closed to others', async () => {
    await worker({})
    expect(statSync(socketPath).mode & 0o777).toBe(0o660)
    for (const [method, path] of [
      ['GET', '/dynos'],
      ['GET', '/dynos?app=../x'],
      ['DELETE', '/cache?app='],
      ['GET', '/slug?image=debian:13'],
      ['POST', `/slug?slug=${slug.id}&app=${appId}&name=A%0Ab`],
    ] as const) {
      expect(await raw(method, path)).toMatch(/^400 .*bad_request/)
    }
    expect(await raw('POST', '/containers')).toMatch(/^404 .*not_found/)
    expect(await raw('GET', '/toString')).toMatch(/^404 /)
  })

  it('says that the worker is away while none runs, and is answered again by the next', async () => {
    const away = { code: 'worker_unavailable', status: 503, hint: expect.stringContaining('Try again') }
    await expect(connectContainers(socketPath).machine()).rejects.toMatchObject(away)
    const asked = await worker({ machine: async () => ({ cpus: 1, memoryMiB: 1 }) })
    await asked.machine()
    await asked.stop()
    await expect(asked.machine()).rejects.toMatchObject(away)
    await worker({ machine: async () => ({ cpus: 2, memoryMiB: 2 }) })
    expect(await asked.machine()).toEqual({ cpus: 2, memoryMiB: 2 })
  })
})

describe('a slug on its way to the worker', () => {
  const large = Buffer.alloc(8 * 2 ** 20, 'x')

  it('arrives as it was sent', async () => {
    let received: unknown
    const asked = await worker({
      addSlug: async (about, files) => ((received = [about, (await buffer(files)).equals(large)]), image),
    })
    expect(await asked.addSlug(slug, Readable.from([large]))).toBe(image)
    expect(received).toEqual([slug, true])
  })

  it('that nobody reads yet is not read ahead either', async () => {
    const reading = Promise.withResolvers<void>()
    const asked = await worker({
      machine: async () => ({ cpus: 1, memoryMiB: 1 }),
      addSlug: async (_, files) => (await reading.promise, await buffer(files), image),
    })
    let sent = 0
    const files = Readable.from(
      (function* () {
        for (; sent < 1000; sent++) yield large.subarray(0, 2 ** 16)
      })(),
    )
    const done = asked.addSlug(slug, files)
    for (let n = 0; n < 50; n++) await asked.machine()
    expect(sent).toBeLessThan(100)
    reading.resolve()
    expect(await done).toBe(image)
    expect(sent).toBe(1000)
  })

  it('that breaks off breaks off at the worker, and keeps its own error', async () => {
    const atWorker = Promise.withResolvers<unknown>()
    const begun = Promise.withResolvers<void>()
    const asked = await worker({
      async addSlug(_, files) {
        files.once('data', () => begun.resolve())
        files.once('end', () => atWorker.resolve('whole'))
        files.once('error', atWorker.resolve)
        return await new Promise(() => undefined)
      },
    })
    const files = new PassThrough()
    files.write(large.subarray(0, 1000))
    const cause = new PaasError('slug_too_large', 'too large')
    const refused = errorOf(asked.addSlug(slug, files))
    await begun.promise
    files.destroy(cause)
    expect(await refused).toBe(cause)
    expect(await atWorker.promise).toBeInstanceOf(Error)
  })

  it('that the worker refuses in the middle is answered with the reason, and read no further', async () => {
    const asked = await worker({
      async addSlug(_, files) {
        for await (const chunk of files) if (chunk) throw new PaasError('disk_full', 'The disk is full.')
        return image
      },
    })
    const files = Readable.from(Array.from({ length: 50 }, () => large.subarray(0, 2 ** 20)))
    await expect(asked.addSlug(slug, files)).rejects.toMatchObject({ code: 'disk_full', message: 'The disk is full.' })
    expect(files.destroyed).toBe(true)
  })

  it('when the worker ends is broken off, and it says so', async () => {
    const begun = Promise.withResolvers<void>()
    const asked = await worker({
      async addSlug(_, files) {
        files.once('data', () => begun.resolve())
        return await new Promise(() => undefined)
      },
    })
    const files = new PassThrough()
    files.write('x')
    const refused = errorOf(asked.addSlug(slug, files))
    await begun.promise
    await asked.stop()
    expect(await refused).toMatchObject({ code: 'worker_unavailable' })
    expect([files.destroyed, files.errored]).toEqual([true, null])
  })
})

describe('a slug on its way from the worker', () => {
  it('comes as the engine gives it, and ends at the engine when its reader leaves', async () => {
    const tar = new PassThrough()
    const asked = await worker({ readSlug: async () => tar })
    tar.write('beginning')
    const slug = await asked.readSlug(image, signal)
    expect(String((await once(slug!, 'data'))[0])).toBe('beginning')
    const closed = new Promise((settle) => tar.once('close', settle))
    slug!.destroy()
    await closed
  })

  it('that breaks off is no whole one', async () => {
    const tar = new PassThrough()
    const asked = await worker({ readSlug: async () => tar })
    tar.write('beginning')
    const slug = await asked.readSlug(image, signal)
    const read = errorOf(buffer(slug!))
    tar.destroy(new Error('the engine is gone'))
    expect(await read).toMatchObject({ message: 'aborted' })
  })
})
