import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { BackgroundLooks } from '../../../src/api/http/background-looks.ts'
import { createLog } from '../../../src/log.ts'

const log = createLog('test', 'silent')
/** Milliseconds. */
const [keep, forget] = [1000, 10_000]
const keys = Array.from({ length: 3000 }, (_, i) => `key ${i}`)

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

/** Looks that count themselves. */
function counted(atOnce: number) {
  const seen = { looks: 0, most: 0, running: 0 }
  const look = async (key: string): Promise<string> => {
    seen.looks++
    seen.most = Math.max(seen.most, ++seen.running)
    await new Promise((done) => setImmediate(done))
    seen.running--
    if (key === 'fails') throw new Error('it is not there')
    return key.toUpperCase()
  }
  return { seen, looks: new BackgroundLooks({ look, keep, forget, atOnce, log }) }
}

it('each of 3,000 keys is looked at once, and all are remembered', async () => {
  const { seen, looks } = counted(8)
  const isDone = () => keys.map((key) => looks.of(key).value).every((value) => value !== undefined)
  await expect.poll(isDone).toBe(true)
  expect([looks.of('key 0'), looks.of('key 2999').value]).toMatchObject([
    { value: 'KEY 0', isLooking: false },
    'KEY 2999',
  ])
  expect(seen).toEqual({ looks: 3000, most: 8, running: 0 })
})

it('what was found is looked at again after a while, and meanwhile told', async () => {
  const { seen, looks } = counted(1)
  looks.of('one')
  await expect.poll(() => looks.of('one').value).toBe('ONE')
  vi.setSystemTime(Date.now() + keep + 1)
  expect(looks.of('one')).toMatchObject({ value: 'ONE', isLooking: true })
  await expect.poll(() => looks.of('one').isLooking).toBe(false)
  expect(seen.looks).toBe(2)
})

it('what nobody asks for is forgotten', async () => {
  const { looks } = counted(8)
  for (const key of ['one', 'two']) looks.of(key)
  await expect.poll(() => looks.size).toBe(2)
  vi.setSystemTime(Date.now() + forget - 1)
  looks.of('two')
  vi.setSystemTime(Date.now() + 2)
  looks.of('two')
  expect(looks.size).toBe(1)
})

it('a look that fails is made again when somebody asks, and the others go on', async () => {
  const { seen, looks } = counted(1)
  for (const key of ['fails', 'one']) looks.of(key)
  await expect.poll(() => looks.of('one').value).toBe('ONE')
  expect(seen.looks).toBe(2)
  expect(looks.of('fails').isLooking).toBe(true)
  await expect.poll(() => seen.looks).toBe(3)
})
