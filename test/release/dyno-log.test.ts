import { describe, expect, it } from 'vitest'
import { newId, type AppId } from '../../src/model/ids.ts'
import { DynoLog } from '../../src/release/dyno-log.ts'

const dyno = { id: 'a', appId: newId<AppId>(), name: 'web.1' }

/** What the app's log says after these steps. */
function said(tell: (log: DynoLog) => void): string[] {
  const lines: string[] = []
  tell(new DynoLog({ dyno: ({ name }, text) => lines.push(`${name}: ${text}`) }))
  return lines
}

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
        log.exited(dyno, { code: 1, once: false })
        log.started(dyno)
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
        log.exited(dyno, { code: 143, once: false })
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
      log.exited(dyno, { code: 143, once: false })
      kill(log)
    })
    expect(afterExit.at(-1)).toBe('web.1: Process exited with status 143')
  })

  it('calls the end of a one-off dyno complete', () => {
    expect(
      said((log) => {
        log.started(dyno)
        log.exited(dyno, { code: 0, once: true })
      }).at(-1),
    ).toBe('web.1: State changed from starting to complete')
  })
})
