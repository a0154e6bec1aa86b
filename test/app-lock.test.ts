import { describe, expect, it } from 'vitest'
import { newId, type AppId } from '../src/model/ids.ts'
import { AppLock } from '../src/app-lock.ts'

const app = newId<AppId>()

describe('a lock per app', () => {
  it('runs work on one app one at a time and in order, also after a failure', async () => {
    const lock = new AppLock()
    const gate = Promise.withResolvers<void>()
    const steps: string[] = []
    const first = lock.run(app, async () => {
      steps.push('first begins')
      await gate.promise
      steps.push('first fails')
      throw new Error('no')
    })
    const second = lock.run(app, async () => void steps.push('second'))
    const third = lock.run(app, async () => void steps.push('third'))
    expect(lock.isHeld(app)).toBe(true)
    gate.resolve()
    await expect(first).rejects.toThrow('no')
    await Promise.all([second, third])
    expect(steps).toEqual(['first begins', 'first fails', 'second', 'third'])
    expect(lock.isHeld(app)).toBe(false)
  })

  it('lets other apps go on', async () => {
    const lock = new AppLock()
    const gate = Promise.withResolvers<void>()
    const held = lock.run(app, () => gate.promise)
    expect(await lock.run(newId<AppId>(), async () => 'done')).toBe('done')
    gate.resolve()
    await held
  })
})
