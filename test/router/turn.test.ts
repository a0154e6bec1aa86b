import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { atEndOfTurn, lengthenTurn } from '../../src/router/turn.ts'

let ended = 0
const due = { endTurn: () => void ended++ }

afterEach(async () => {
  for (let turn = 0; turn < 2; turn++) await setImmediate()
  ended = 0
})

describe('the end of a turn', () => {
  it('comes with the next turn in which no connection came', async () => {
    atEndOfTurn(due)
    lengthenTurn()
    await setImmediate()
    expect(ended).toBe(0)
    await setImmediate()
    expect(ended).toBe(1)
  })

  it('comes at last while they still come', async () => {
    atEndOfTurn(due)
    let turns = 0
    for (; ended === 0; turns++) {
      lengthenTurn()
      await setImmediate()
    }
    expect(turns).toBe(16)
  })

  it('comes at once where much is due', async () => {
    for (let i = 0; i < 64; i++) atEndOfTurn(due)
    lengthenTurn()
    await setImmediate()
    expect(ended).toBe(64)
  })

  it('is also the end for what it brings', async () => {
    atEndOfTurn({ endTurn: () => atEndOfTurn(due) })
    await setImmediate()
    expect(ended).toBe(1)
  })
})
