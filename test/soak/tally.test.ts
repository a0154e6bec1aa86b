import { describe, expect, it } from 'vitest'
import { ExpectedLines, Tally } from '../../bench/soak/tally.ts'

describe('the tally of a soak', () => {
  it('takes what a kill cut for no failure, and what was accepted and is gone for one at any time', () => {
    const tally = new Tally()
    tally.excuse(60_000)
    tally.cut('request', 'ECONNRESET')
    tally.lost('row', 'a release is missing')
    expect(tally.excused).toEqual(new Map([['request', 1]]))
    expect(tally.failed).toEqual(new Map([['row', 1]]))
    expect(tally.failures).toEqual(['minute 0.0, row: a release is missing'])
  })

  it('misses the lines that did not come, whether the others came before or after the answer', () => {
    const lines = new ExpectedLines()
    lines.saw('app 1')
    for (const line of ['app 1', 'app 2', 'app 3']) lines.expect(line)
    lines.saw('app 3')
    expect(lines.missing).toEqual(['app 2'])
  })
})
