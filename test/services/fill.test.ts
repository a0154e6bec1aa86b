import { expect, it } from 'vitest'
import { addonFill } from '../../src/services/fill.ts'

const mebibyte = 2 ** 20

it.each([
  ['usual', { bytes: 0 }, 'usual', false],
  ['usual', { bytes: 900 }, 'near', false],
  ['near', { bytes: 1000 }, 'near', false],
  ['near', { bytes: 1001 }, 'full', false],
  // Not to and fro: some room is needed first.
  ['full', { bytes: 1000 }, 'full', false],
  ['full', { bytes: 949 }, 'near', false],
  ['full', { bytes: 100 }, 'usual', false],
  // The disk of the machine itself.
  ['usual', { bytes: 10, free: 255 }, 'full', true],
  ['usual', { bytes: 10, free: 256 }, 'usual', false],
  ['full', { bytes: 10, free: 511 }, 'full', true],
  ['full', { bytes: 10, free: 512 }, 'usual', false],
] as const)('one that was %s and takes %j of 1000 MiB is %s', (before, { bytes, ...more }, fill, shared) => {
  const free = 'free' in more ? more.free * mebibyte : undefined
  expect(addonFill(before, { bytes: bytes * mebibyte, limitMiB: 1000, free })).toEqual({ fill, shared })
})
