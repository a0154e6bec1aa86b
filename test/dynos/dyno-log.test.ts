import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DynoState } from '../../src/engine/engine.ts'
import { DynoLog } from '../../src/dynos/dyno-log.ts'
import { TestStore } from '../store/test-store.ts'

let record: TestStore
let dyno: ReturnType<typeof web>

beforeEach(() => {
  record = new TestStore()
  dyno = web('a')
})
afterEach(() => record[Symbol.dispose]())

function web(id: string) {
  const state: DynoState = { kind: 'running', since: new Date() }
  const facts = { name: 'web.1', type: 'web', size: 'basic', release: 2, attached: false }
  return { id, appId: record.app.id, ...facts, state }
}

/** What the app's log says after these steps. */
function said(tell: (log: DynoLog) => void): string[] {
  const lines: string[] = []
  const platformLog = { dyno: ({ name }: { name: string }, text: string) => lines.push(`${name}: ${text}`) }
  tell(new DynoLog({ platformLog, states: record.store.dynoStates }))
  return lines
}

const ended = (code: number, at = new Date(), outOfMemory = false) => ({ code, outOfMemory, at })
const later = (milliseconds: number) => new Date(Date.now() + milliseconds)
const onRecord = () => record.store.dynoStates.find('a')

describe("a dyno's life in the log", () => {
  it('is told once by whoever starts it and by the engine', () => {
    expect(
      said((log) => {
        log.launching(dyno, 'npm start')
        log.started(dyno)
        log.started(dyno)
        log.up(dyno)
        log.up(dyno)
      }),
    ).toEqual(['web.1: Starting process with command `npm start`', 'web.1: State changed from starting to up'])
  })

  it('tells a crash and each restart', () => {
    expect(
      said((log) => {
        log.exited(dyno, ended(1))
        log.started(dyno, later(100))
        log.up(dyno)
      }),
    ).toEqual([
      'web.1: Process exited with status 1',
      'web.1: State changed from up to crashed',
      'web.1: State changed from crashed to starting',
      'web.1: State changed from starting to up',
    ])
  })

  it('does not call a stop a crash', () => {
    expect(
      said((log) => {
        log.stopping(dyno)
        log.exited(dyno, ended(143))
        log.stopping(dyno)
      }),
    ).toEqual(['web.1: Stopping all processes with SIGTERM', 'web.1: Process exited with status 143'])
  })

  it('says when a process had to be killed, and only then', () => {
    const kill = (log: DynoLog) => log.killing(dyno, 30)
    expect(
      said((log) => {
        log.stopping(dyno)
        kill(log)
      }).slice(1),
    ).toEqual([
      'web.1: Error R12 (Exit timeout) -> At least one process failed to exit within 30 seconds of SIGTERM',
      'web.1: Stopping remaining processes with SIGKILL',
    ])
    const afterExit = said((log) => {
      log.stopping(dyno)
      log.exited(dyno, ended(143))
      kill(log)
    })
    expect(afterExit.at(-1)).toBe('web.1: Process exited with status 143')
  })

  it('calls the end of a one-off dyno complete', () => {
    expect(
      said((log) => {
        const run = { ...dyno, type: 'run' }
        log.started(run)
        log.exited(run, ended(0))
      }).at(-1),
    ).toBe('web.1: State changed from starting to complete')
  })
})

describe('what is on record of a dyno', () => {
  it('is its state, since when, and how it ended last, for whoever asks next', () => {
    const at = later(-5000)
    said((log) => {
      log.started(dyno)
      log.exited(dyno, ended(137, at, true))
    })
    expect(onRecord()).toMatchObject({ state: 'crashed', since: at, exitStatus: 137, error: 'R15' })
    expect(said((log) => log.started(dyno))).toEqual(['web.1: State changed from crashed to starting'])
    expect(onRecord()).toMatchObject({ state: 'starting', exitStatus: 137, error: 'R15' })
  })

  it('does not go back because the event of a start comes late', () => {
    const start = later(-50)
    said((log) => {
      log.started(dyno, start)
      log.up(dyno)
      log.started(dyno, start)
    })
    expect(onRecord()).toMatchObject({ state: 'up' })
  })

  it('is up once more after a start that nobody saw, but not because of a look from before it ended', () => {
    said((log) => {
      log.started(dyno)
      log.exited(dyno, ended(1))
      log.up({ ...dyno, state: { kind: 'running', since: later(-1000) } })
    })
    expect(onRecord()).toMatchObject({ state: 'crashed' })
    said((log) => log.up({ ...dyno, state: { kind: 'running', since: later(1000) } }))
    expect(onRecord()).toMatchObject({ state: 'up' })
  })

  it('is a boot time-out until it answers after all', () => {
    said((log) => {
      log.started(dyno)
      log.bootTimeout(dyno, 60)
      log.crashed(dyno)
    })
    expect(said((log) => log.bootTimeout(dyno, 60))).toEqual([])
    expect(onRecord()).toMatchObject({ state: 'crashed', error: 'R10', exitStatus: null })
    said((log) => log.up(dyno))
    expect(onRecord()).toMatchObject({ state: 'up' })
  })

  it('is down while the engine is away, but for one-offs', () => {
    const lines = said((log) => {
      log.started(dyno)
      log.up(dyno)
      log.up({ ...web('b'), type: 'run', name: 'run.1234' })
      log.engineLost()
      log.engineLost()
    })
    expect(lines.slice(1)).toEqual(['web.1: State changed from up to down'])
    expect(onRecord()).toMatchObject({ state: 'down' })
    expect(record.store.dynoStates.find('b')).toMatchObject({ state: 'up' })
    expect(said((log) => log.up(dyno))).toEqual(['web.1: State changed from down to up'])
  })

  it('is gone with it, and with its app', () => {
    const { dynoStates, apps } = record.store
    said((log) => {
      for (const id of ['a', 'b', 'c', 'd']) log.started(web(id))
      log.removed(dyno)
    })
    dynoStates.keepOnly(new Set(['b']), later(1000))
    dynoStates.keepOnly(new Set(), later(-1000))
    expect(dynoStates.list(record.app.id).map(({ id }) => id)).toEqual(['b'])
    apps.remove(record.app.id)
    said((log) => log.started(dyno))
    expect(dynoStates.list(record.app.id)).toEqual([])
  })
})
