import { describe, expect, it } from 'vitest'
import { conditionOf, type DynoCondition } from '../../../src/api/dynos/dyno-state.ts'
import type { Dyno, DynoState } from '../../../src/engine/engine.ts'
import type { DynoRecord } from '../../../src/model/dyno.ts'
import { dynoSizes } from '../../../src/model/formation.ts'
import { newId, type AppId } from '../../../src/model/ids.ts'

const since = new Date('2026-01-02T03:04:05.678Z')
const nextStart = new Date('2026-01-02T03:04:25Z')
const running: DynoState = { kind: 'running', since }
const crashed: DynoState = { kind: 'exited', since, exit: { code: 143, outOfMemory: false } }
const waiting: DynoState = { kind: 'restarting', since, exit: { code: 1, outOfMemory: false }, nextStart }
const appId = newId<AppId>()

type Given = Pick<Dyno, 'state' | 'release'> & { type?: string; seen?: Partial<DynoRecord> }

/** How a dyno of that release is shown, of an app whose current one is v3. */
function condition({ seen, ...given }: Given): DynoCondition {
  const { type = 'web' } = given
  const facts = { id: 'x', appId, name: `${type}.1`, type, size: 'basic', release: given.release, attached: false }
  const dyno = {
    ...facts,
    image: '',
    address: undefined,
    port: undefined,
    restarts: 0,
    createdAt: since,
    ...given,
    type,
  }
  const after = new Date(since.getTime() + 1000)
  const record = seen && { ...facts, state: 'up' as const, since: after, exitStatus: null, error: null, ...seen }
  return conditionOf(dyno, { current: 3, seen: record, sizes: dynoSizes })
}

describe('a dyno', () => {
  it.each<[string, string, Given]>([
    ['that runs', 'up', { state: running, release: 3 }],
    ['of a release on its way', 'starting', { state: running, release: 4 }],
    ['of a release on its way that is ready', 'starting', { state: running, release: 4, seen: {} }],
    ['of the release before', 'stopping', { state: running, release: 2 }],
    ['of the release before that has ended', 'stopping', { state: crashed, release: 2 }],
    ['that waits for its next start', 'crashed', { state: waiting, release: 3 }],
    ['that ended with a failure', 'crashed', { state: crashed, release: 3, seen: { state: 'crashed' } }],
    ['that ended well', 'down', { state: { ...crashed, exit: { code: 0, outOfMemory: false } }, release: 3, seen: {} }],
    [
      'that was told to end and has not yet been removed',
      'stopping',
      { state: crashed, release: 3, seen: { state: 'stopped' } },
    ],
    ['that ended before the worker saw it', 'stopping', { state: crashed, release: 3, seen: { state: 'stopping' } }],
    ['whose record went while it was looked at', 'stopping', { state: crashed, release: 3 }],
    [
      'that runs once and was told to end',
      'stopping',
      { state: crashed, release: 3, type: 'run', seen: { state: 'stopping' } },
    ],
    ['that was paused', 'down', { state: { kind: 'stuck', since, by: 'pause' }, release: 3, seen: {} }],
    ['that was only made', 'starting', { state: { kind: 'created' }, release: 3 }],
    ['that is not ready yet', 'starting', { state: running, release: 3, seen: { state: 'starting' } }],
    ['that was ready in an earlier run', 'starting', { state: running, release: 3, seen: { since: new Date(0) } }],
    ['that has been ready', 'up', { state: running, release: 3, seen: {} }],
    ['that is told to stop', 'stopping', { state: running, release: 3, seen: { state: 'stopping' } }],
    ['that runs once, with an older release', 'up', { state: running, release: 2, type: 'run' }],
    ['that runs the release command', 'up', { state: running, release: 4, type: 'release' }],
  ])('%s is %s', (_, state, given) => {
    expect(condition(given)).toMatchObject({ state })
  })

  it('was last changed when it came into its state', () => {
    expect(condition({ state: running, release: 3 })).toMatchObject({ since })
    const ready = new Date(since.getTime() + 1000)
    expect(condition({ state: running, release: 3, seen: {} })).toMatchObject({ since: ready })
  })

  it('that crashed says why, with what, and when it starts again', () => {
    expect(condition({ state: waiting, release: 3 })).toEqual({
      state: 'crashed',
      since,
      reason: { id: 'exited', message: 'exited with 1' },
      exitStatus: 1,
      nextStart,
    })
    const killed: DynoState = { ...waiting, exit: { code: 137, outOfMemory: true } }
    expect(condition({ state: killed, release: 3 })).toMatchObject({
      reason: { id: 'R15', message: 'was killed for memory at 512 MB' },
      exitStatus: 137,
    })
    expect(condition({ state: running, release: 3, seen: { state: 'starting', exitStatus: 3 } })).toMatchObject({
      reason: null,
      exitStatus: 3,
    })
    expect(condition({ state: running, release: 3, seen: { state: 'crashed', error: 'R10' } })).toMatchObject({
      state: 'crashed',
      reason: { id: 'R10', message: 'nothing answered on $PORT within the boot timeout' },
      exitStatus: null,
      nextStart: null,
    })
    expect(condition({ state: running, release: 3, seen: { state: 'crashed' } })).toMatchObject({
      state: 'crashed',
      reason: { id: 'no_answer', message: 'it runs, but sends no HTTP response' },
    })
  })
})
