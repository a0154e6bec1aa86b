import { describe, expect, it } from 'vitest'
import { formationFor } from '../../src/model/formation.ts'

describe('the formation of a release', () => {
  it('is one web dyno and none of the others at the first deploy', () => {
    expect(formationFor([], ['web', 'worker', 'release'])).toEqual([
      { type: 'web', quantity: 1, size: 'basic' },
      { type: 'worker', quantity: 0, size: 'basic' },
    ])
  })

  it('at the first deploy keeps what was set before it, and is else as app.json asks', () => {
    const present = [{ type: 'web', quantity: 0, size: 'basic' as const }]
    const asked = { web: { quantity: 3, size: null }, worker: { quantity: 2, size: 'standard-2x' } }
    expect(formationFor(present, ['web', 'worker', 'clock'], asked)).toEqual([
      { type: 'web', quantity: 0, size: 'basic' },
      { type: 'worker', quantity: 2, size: 'standard-2x' },
      { type: 'clock', quantity: 0, size: 'basic' },
    ])
    expect(formationFor([{ type: 'worker', quantity: 1, size: 'basic' }], ['web'], {})).toMatchObject([{ quantity: 1 }])
  })

  it('keeps what is set, adds new types with none, and has no types that are gone', () => {
    const present = [
      { type: 'web', quantity: 3, size: 'standard-1x' as const },
      { type: 'clock', quantity: 1, size: 'basic' as const },
    ]
    expect(formationFor(present, ['web', 'worker'])).toEqual([
      { type: 'web', quantity: 3, size: 'standard-1x' },
      { type: 'worker', quantity: 0, size: 'basic' },
    ])
  })

  it('has no web dyno when a later release is the first with a web process', () => {
    const present = [{ type: 'worker', quantity: 1, size: 'basic' as const }]
    expect(formationFor(present, ['web', 'worker'])[0]).toMatchObject({ type: 'web', quantity: 0 })
  })
})
