import { describe, expect, it } from 'vitest'
import type { Dyno, DynoState } from '../../src/engine/engine.ts'
import { newId, type AppId } from '../../src/model/ids.ts'
import { isSettled, planDynos } from '../../src/dynos/plan.ts'
import type { WantedDyno } from '../../src/dynos/deployable.ts'

const appId = newId<AppId>()
const now = new Date()
const running: DynoState = { kind: 'running', since: now }
const crashed: DynoState = { kind: 'restarting', since: now, exit: { code: 1, outOfMemory: false }, nextStart: now }
const stopped: DynoState = { kind: 'exited', since: now, exit: { code: 137, outOfMemory: false } }

function dyno(name: string, changes: Partial<Dyno> = {}): Dyno {
  const type = name.split('.')[0] ?? ''
  const given = { id: `${name} v3`, appId, name, type, release: 3, size: 'basic', image: 'sha256:0', restarts: 0 }
  return { ...given, address: '10.0.0.2', port: 5000, createdAt: now, attached: false, state: running, ...changes }
}

function want(...names: string[]): WantedDyno[] {
  return names.map((name) => ({ name, type: name.split('.')[0] ?? '', size: 'basic' }))
}

const plan = (wanted: WantedDyno[], dynos: Dyno[]) => planDynos(wanted, { version: 3, dynos })

describe('the plan of what to start and stop', () => {
  it('is settled when what runs is what should', () => {
    const dynos = [dyno('web.1'), dyno('worker.1')]
    expect(plan(want('web.1', 'worker.1'), dynos)).toEqual({ keep: dynos, start: [], stop: [] })
    expect(isSettled(plan(want('web.1', 'worker.1'), dynos))).toBe(true)
  })

  it('starts what is missing and stops the highest numbers first', () => {
    expect(plan(want('web.1', 'web.2'), [dyno('web.1')]).start).toEqual(want('web.2'))
    const three = [dyno('web.1'), dyno('web.2'), dyno('web.3')]
    expect(plan(want('web.1'), three).stop).toEqual(three.slice(1))
  })

  it('replaces dynos of another release and of another size', () => {
    const old = dyno('web.1', { id: 'old', release: 2 })
    const small = dyno('web.2', { size: 'standard-2x' })
    const { keep, start, stop } = plan(want('web.1', 'web.2'), [old, small])
    expect({ keep, start, stop }).toEqual({ keep: [], start: want('web.1', 'web.2'), stop: [old, small] })
  })

  it('leaves a crashing dyno to the engine, and replaces one that somebody stopped', () => {
    const crashing = dyno('web.1', { state: crashed })
    expect(isSettled(plan(want('web.1'), [crashing]))).toBe(true)
    expect(plan(want('web.1'), [dyno('web.1', { state: stopped })]).start).toEqual(want('web.1'))
  })

  it('keeps one of two dynos of the same name', () => {
    const twice = [dyno('web.1', { id: 'a' }), dyno('web.1', { id: 'b' })]
    expect(plan(want('web.1'), twice)).toMatchObject({ keep: [{ id: 'a' }], stop: [{ id: 'b' }], start: [] })
  })

  it('does not touch one-off dynos', () => {
    expect(plan([], [dyno('release.1234'), dyno('run.5678')]).stop).toEqual([])
  })

  it('replaces those it is told to', () => {
    const dynos = [dyno('web.1'), dyno('web.2')]
    const { keep, start } = planDynos(want('web.1', 'web.2'), { version: 3, dynos }, ({ name }) => name === 'web.2')
    expect(keep).toEqual([dynos[0]])
    expect(start).toEqual(want('web.2'))
  })
})
