import { expect, it } from 'vitest'
import { createLog } from '../../src/log.ts'
import { Channel } from '../../src/logs/channel.ts'

/** A channel into a list of batches, each of which takes until it is let go. */
function openChannel() {
  const batches: string[] = []
  const doors: (() => void)[] = []
  const append = (lines: string): Promise<void> => {
    batches.push(lines.replaceAll(/.*: (.*)\n/g, '$1'))
    return new Promise((resolve) => doors.push(resolve))
  }
  const channel = new Channel({ file: { append }, backlog: { size: 0 }, log: createLog('test', 'silent') })
  const push = (text: string): void => channel.push({ time: new Date(), source: 'app', process: 'web.1', text })
  return { channel, batches, push, letGo: () => doors.shift()?.() }
}

it('lines that come while others are written wait for more', async () => {
  const { channel, batches, push, letGo } = openChannel()
  push('a')
  const flushed = channel.flush()
  push('b')
  letGo()
  await flushed
  push('c')
  void channel.flush()
  expect(batches).toEqual(['a', 'bc'])
})

it('a flush during a write includes what was pushed before it', async () => {
  const { channel, batches, push, letGo } = openChannel()
  push('a')
  void channel.flush()
  push('b')
  const flushed = channel.flush()
  letGo()
  await expect.poll(() => batches).toEqual(['a', 'b'])
  letGo()
  await flushed
  expect(channel.idle).toBe(true)
})
