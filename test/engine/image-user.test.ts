import { expect, it } from 'vitest'
import { uidIn, userOf } from '../../src/engine/docker/image-user.ts'

const list = '\n root:x:0:0::/root:\nwww:x:33:33:::\nwww:x:0:0:::\nbare\nhex:x:0x21:33:::\n77:x:0:0:::\nplus:x:+0:0:::'
const user = (text: string) => userOf(text, async (name) => uidIn(list, name) ?? -1)

it.each(['', ':', ':5', '0', '00', '+0', '-0', '0:33', 'root', 'root:www', 'bare', 'hex', 'plus'])(
  'the user %j is root, so the tenant takes its place',
  async (text) => {
    expect(await user(text)).toBe('1000:1000')
  },
)

it.each([
  ['1234', '1234'],
  ['01', '1'],
  ['77', '77'],
  ['www', '33'],
  ['www:adm', '33:adm'],
  ['5:0', '5:0'],
  ['0x0', '-1'],
])('the user %j is none, and the engine is given its number: %j', async (text, given) => {
  expect(await user(text)).toBe(given)
})
