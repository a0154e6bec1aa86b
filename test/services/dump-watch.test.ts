import { describe, expect, it } from 'vitest'
import type { Addon } from '../../src/model/addon.ts'
import type { BackupSchedule, DataTransfer, DataTransferState } from '../../src/model/data-transfer.ts'
import type { AddonId } from '../../src/model/ids.ts'
import { dumpProblem } from '../../src/services/dump-watch.ts'

const now = new Date('2026-11-28T12:00:00Z')
const ago = (hours: number): Date => new Date(now.getTime() - hours * 3600_000)
const addon = { id: 'one' as AddonId, createdAt: ago(1000) } as Addon
const ended = { startedAt: now, endedAt: now }
const good: DataTransferState = { kind: 'succeeded', ...ended, stored: { place: 'file:x', sha256: '' } }
const bad: DataTransferState = { kind: 'failed', ...ended, reason: 'The disk is full.' }

/** @param dumps the newest first */
function problem(
  dumps: [DataTransferState, hours: number, scheduled?: boolean][],
  scheduledSince: number | null = 1000,
) {
  const list = dumps.map(([state, hours, scheduled = true], index) => {
    return { kind: 'backup', number: dumps.length - index, scheduled, state, createdAt: ago(hours) } as DataTransfer
  })
  const schedule = scheduledSince === null ? undefined : ({ createdAt: ago(scheduledSince) } as BackupSchedule)
  const store = { dataTransfers: { list: () => list }, backupSchedules: { find: () => schedule } }
  return dumpProblem(store as unknown as Parameters<typeof dumpProblem>[0], addon, now)
}

const nothing = /^nothing$/

describe('what is wrong with dumps', () => {
  it.each<[string, ReturnType<typeof problem>, RegExp]>([
    ['the newest is of today', problem([[good, 20]]), nothing],
    [
      'one failed, and a later one did not',
      problem([
        [good, 1],
        [bad, 24],
      ]),
      nothing,
    ],
    [
      'the newest failed',
      problem([
        [bad, 1],
        [good, 25],
      ]),
      /^its backup a002 failed: The disk is full\.$/,
    ],
    [
      'one that somebody asked for failed',
      problem([
        [bad, 1, false],
        [good, 25],
      ]),
      nothing,
    ],
    ['the newest is two days old', problem([[good, 49]]), /^its last good backup is of 2026-11-26T11:00:00\.000Z$/],
    ['there never was one', problem([]), /^there is no good backup of it yet$/],
    ['there never was one, since the schedule is new', problem([], 3), nothing],
    ['there is no schedule', problem([], null), nothing],
  ])('where %s', (_, found, wanted) => {
    expect(found ?? 'nothing').toMatch(wanted)
  })
})
