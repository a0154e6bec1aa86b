import { expect, it } from 'vitest'
import { Passes } from '../../../src/api/http/passes.ts'
import type { Grant } from '../../../src/model/grant.ts'
import type { AccountId } from '../../../src/model/ids.ts'

const passes = new Passes(Buffer.from('secret'))
const grant: Grant = { accountId: 'account' as AccountId, token: null, app: null }
const build = { kind: 'build output', id: '1' }
const pass = passes.issue(build, grant, 2400, 5050)

it('a pass says what it was given for until its time is over', () => {
  expect(passes.open(build, pass, 7499)).toEqual(grant)
  expect(() => passes.open(build, pass, 7500)).toThrow('This URL has expired.')
})

it('a pass that is asked for again a little later is the same', () => {
  expect(passes.issue(build, grant, 2400, 5100)).toBe(pass)
  expect(passes.issue(build, grant, 2400, 5101)).not.toBe(pass)
})

it.each([
  ['another build', { ...build, id: '2' }, pass],
  ['another kind of thing', { ...build, kind: 'slug get' }, pass],
  ['somebody else', build, `${Buffer.from('{"until":6000,"grant":{}}').toString('base64url')}.${pass.split('.')[1]}`],
  ['longer', build, `${Buffer.from('{"until":9000}').toString('base64url')}.${pass.split('.')[1]}`],
  ['nobody', build, ''],
])('a pass does not open for %s', (_who, subject, forged) => {
  expect(() => passes.open(subject, forged, 5500)).toThrow('There is nothing at this URL.')
})
