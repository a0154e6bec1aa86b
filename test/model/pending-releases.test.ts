import { describe, expect, it } from 'vitest'
import { newId, type AccountId, type AppId, type ReleaseId, type SlugId } from '../../src/model/ids.ts'
import { contained, newestGood, nextStep, type ReleaseRecord } from '../../src/model/pending-releases.ts'
import type { Release } from '../../src/model/release.ts'

const appId = newId<AppId>()
const accountId = newId<AccountId>()

/** `v3 b pending` goes on with the code b, `v3 b! pending` brings it, `v3 - pending` has none. */
function release(text: string): Release {
  const [version = '', code = '', state = ''] = text.split(' ')
  return {
    id: version as ReleaseId,
    appId,
    accountId,
    version: Number(version.slice(1)),
    slugId: code === '-' ? null : (code.replace('!', '') as SlugId),
    description: '',
    bringsCode: code.endsWith('!'),
    state: state === 'failed' ? { kind: 'failed', reason: 'boot failed' } : { kind: state as 'pending' | 'succeeded' },
    commandDone: false,
    createdAt: new Date(),
    updatedAt: new Date(),
  }
}

/** @param texts oldest first */
const record = (texts: string[], given: Partial<ReleaseRecord> = {}): ReleaseRecord => {
  return { releases: texts.map(release).toReversed(), current: null, building: [], ...given }
}

/** `deploy v3`, `supersede below 4`, `replace-code v3 a` */
function told(texts: string[], given: { current?: string; building?: string[] }): string {
  const step = nextStep(record(texts, given as Partial<ReleaseRecord>))
  switch (step.kind) {
    case 'none':
      return 'none'
    case 'supersede':
      return `supersede below ${step.below}`
    case 'replace-code':
      return `replace-code ${step.release.id} ${step.slugId ?? '-'}`
    case 'accept':
    case 'deploy':
      return `${step.kind} ${step.release.id}`
  }
}

const served = ['v1 - succeeded', 'v2 a! succeeded']

describe('of pending releases', () => {
  it.each<[string, string[], { current?: string; building?: string[] }, string]>([
    ['none is next when there is none', served, { current: 'v2' }, 'none'],
    ['the newest is next', [...served, 'v3 a pending', 'v4 a pending'], { current: 'v2' }, 'deploy v4'],
    ['the older is next when the newest failed', [...served, 'v3 a pending', 'v4 a failed'], {}, 'deploy v3'],
    ['one without code is accepted', ['v1 - succeeded', 'v2 - pending'], {}, 'accept v2'],
    [
      'all wait while one is its build’s',
      [...served, 'v3 b! pending', 'v4 b pending'],
      { current: 'v2', building: ['v3'] },
      'none',
    ],
    [
      'none waits for a build that has no release yet, or whose release has failed',
      [...served, 'v3 b! failed', 'v4 a pending'],
      { current: 'v2', building: ['v3'] },
      'deploy v4',
    ],
    [
      'those older than what serves are superseded',
      [...served, 'v3 a pending', 'v4 a succeeded'],
      { current: 'v4' },
      'supersede below 4',
    ],
    [
      'one that goes on with failed code gets the code that serves',
      [...served, 'v3 b! failed', 'v4 b pending'],
      { current: 'v2' },
      'replace-code v4 a',
    ],
    [
      'one that goes on with failed code gets none where none serves',
      ['v1 - succeeded', 'v2 b! failed', 'v3 b pending'],
      {},
      'replace-code v3 -',
    ],
    ['one that brings failed code itself is deployed', [...served, 'v3 b! failed', 'v4 b! pending'], {}, 'deploy v4'],
    [
      'one goes on with code that failed once and has served since',
      [...served, 'v3 b! failed', 'v4 b! succeeded', 'v5 b pending'],
      { current: 'v4' },
      'deploy v5',
    ],
    [
      'one goes on with code whose change failed, since the code did not',
      [...served, 'v3 a failed', 'v4 a pending'],
      { current: 'v2' },
      'deploy v4',
    ],
  ])('%s', (_, texts, given, step) => {
    expect(told(texts, given)).toBe(step)
  })

  it('those below a version that has succeeded are contained in it', () => {
    const { releases } = record([...served, 'v3 a pending', 'v4 a failed', 'v5 a pending', 'v6 a pending'])
    expect(contained(releases, 6).map(({ id }) => id)).toEqual(['v5', 'v3'])
  })

  it('the newest that did not fail says what the config vars are after a failure', () => {
    expect(newestGood(record([...served, 'v3 a pending', 'v4 a failed']).releases)?.id).toBe('v3')
    expect(newestGood(record(['v1 - failed']).releases)).toBeUndefined()
  })
})
