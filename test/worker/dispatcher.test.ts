import { describe, expect, it } from 'vitest'
import { PaasError } from '../../src/errors.ts'
import { createLog } from '../../src/log.ts'
import { newId, type AppId, type BuildId } from '../../src/model/ids.ts'
import { Dispatcher, type Work } from '../../src/worker/dispatcher.ts'

const app = newId<AppId>()
const log = createLog('test', 'silent')

/** Work that each waits for `go` and is remembered. */
function heldWork(change: Partial<Work> = {}) {
  const done: string[] = []
  let gate = Promise.withResolvers<void>()
  const held = (what: string) => async (): Promise<void> => {
    done.push(what)
    await gate.promise
  }
  const work: Work = {
    build: held('build'),
    continueSetup: () => Promise.resolve(),
    converge: held('converge'),
    release: held('release'),
    restart: held('restart'),
    run: held('run'),
    ...change,
  }
  const go = (): void => {
    gate.resolve()
    gate = Promise.withResolvers()
  }
  return { done, go, dispatcher: new Dispatcher(work, log) }
}

describe('the dispatcher', () => {
  it('runs a build once however often it is asked for, and converges the app afterwards', async () => {
    const { done, go, dispatcher } = heldWork()
    const id = newId<BuildId>()
    const first = dispatcher.build(app, id)
    const second = dispatcher.run({ kind: 'build', appId: app, buildId: id })
    go()
    await Promise.all([first, second])
    expect(done).toEqual(['build', 'converge'])
    go()
  })

  it('runs one converge after another that has begun, and merges those that wait', async () => {
    const { done, go, dispatcher } = heldWork()
    const first = dispatcher.converge(app)
    const waiting = [dispatcher.converge(app), dispatcher.converge(app), dispatcher.converge(app)]
    expect(done).toEqual(['converge'])
    go()
    await first
    await new Promise(setImmediate)
    expect(done).toEqual(['converge', 'converge'])
    go()
    await Promise.all(waiting)
    expect(done).toEqual(['converge', 'converge'])
  })

  it('takes a release to its verdict beside the converges, one at a time, and converges again afterwards', async () => {
    const released = Promise.withResolvers<void>()
    const { done, go, dispatcher } = heldWork({
      release: async () => {
        done.push('release')
        await released.promise
      },
    })
    dispatcher.release(app)
    dispatcher.release(app)
    const converged = dispatcher.converge(app)
    go()
    await converged
    expect(done).toEqual(['release', 'converge'])
    released.resolve()
    await new Promise(setImmediate)
    expect(done).toEqual(['release', 'converge', 'converge'])
    go()
  })

  it('tells a build to stop with the reason', async () => {
    const reasons: unknown[] = []
    const build: Work['build'] = async (_, stop) => {
      await new Promise((resolve) => stop.signal.addEventListener('abort', resolve))
      reasons.push((stop.signal.reason as PaasError).code)
    }
    const { dispatcher, go } = heldWork({ build })
    const id = newId<BuildId>()
    const running = dispatcher.build(app, id)
    dispatcher.cancelAll(newId<AppId>())
    dispatcher.cancelAll(app)
    go()
    await running
    expect(reasons).toEqual(['build_cancelled'])
  })

  it('never fails its caller', async () => {
    const { dispatcher } = heldWork({ converge: () => Promise.reject(new PaasError('internal', 'no')) })
    await expect(dispatcher.converge(app)).resolves.toBeUndefined()
  })

  it('stops what runs when disposed of, waits for it and takes nothing more', async () => {
    const seen: string[] = []
    const converge: Work['converge'] = async (_, signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      seen.push('converge stopped')
    }
    const { done, dispatcher } = heldWork({ converge })
    void dispatcher.converge(app)
    await dispatcher[Symbol.asyncDispose]()
    expect(seen).toEqual(['converge stopped'])
    await dispatcher.run({ kind: 'converge', appId: app })
    await dispatcher.build(app, newId<BuildId>())
    expect(seen).toEqual(['converge stopped'])
    expect(done).toEqual([])
  })
})
