import { describe, expect, it } from 'vitest'
import { dynoJson } from '../../src/api/dyno-json.ts'
import type { Dyno, DynoState } from '../../src/engine/engine.ts'
import { TestStore } from '../store/test-store.ts'

const since = new Date('2026-01-02T03:04:05.678Z')
const running: DynoState = { kind: 'running', since }
const crashed: DynoState = { kind: 'exited', since, exit: { code: 143, outOfMemory: false } }

/** The state shown for a dyno of that release of an app whose current one is v3. */
function stateOf(dyno: Pick<Dyno, 'state' | 'release'> & { type?: string }): unknown {
  using test = new TestStore()
  const { store, account } = test
  const make = () =>
    store.releases.create({ appId: test.app.id, slugId: null, description: '', accountId: account.id, config: {} })
  make()
  store.apps.setCurrentRelease(test.app.id, make().id)
  const { type = 'web' } = dyno
  const seen: Dyno = {
    id: 'x',
    appId: test.app.id,
    name: `${type}.1`,
    size: 'basic',
    image: '',
    address: undefined,
    port: undefined,
    restarts: 0,
    attached: false,
    createdAt: since,
    ...dyno,
    type,
  }
  return dynoJson(store, store.apps.find('acme')!, seen)
}

describe('a dyno', () => {
  it.each<[string, string, Parameters<typeof stateOf>[0]]>([
    ['that runs', 'up', { state: running, release: 3 }],
    ['of a release on its way', 'starting', { state: running, release: 4 }],
    ['of the release before', 'stopping', { state: running, release: 2 }],
    ['of the release before that has ended', 'stopping', { state: crashed, release: 2 }],
    ['that waits for its next start', 'crashed', { state: { ...crashed, kind: 'restarting' }, release: 3 }],
    ['that ended with a failure', 'crashed', { state: crashed, release: 3 }],
    ['that ended well', 'down', { state: { ...crashed, exit: { code: 0, outOfMemory: false } }, release: 3 }],
    ['that was only made', 'starting', { state: { kind: 'created' }, release: 3 }],
    ['that runs once, with an older release', 'up', { state: running, release: 2, type: 'run' }],
    ['that runs the release command', 'up', { state: running, release: 4, type: 'release' }],
  ])('%s is %s', (_, state, dyno) => {
    expect(stateOf(dyno)).toMatchObject({ state })
  })

  it('was last changed when it came into its state', () => {
    expect(stateOf({ state: running, release: 3 })).toMatchObject({ updated_at: '2026-01-02T03:04:05Z' })
  })
})
