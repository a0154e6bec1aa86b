import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeFrames, encodeAttachFrame, parseSize, type AttachFrame } from '../../src/model/attach-frames.ts'
import { resolveCommand } from '../../src/model/one-off.ts'
import { ExitStatusLine, printsExitStatus } from '../../src/one-offs/exit-status-line.ts'

const data = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
const cells = fc.integer({ min: 1, max: 10_000 })
const frame: fc.Arbitrary<AttachFrame> = fc.oneof(
  fc.record({ type: fc.constantFrom('input', 'stdout', 'stderr'), data }),
  fc.record({ type: fc.constantFrom('inputEnd', 'started', 'heartbeat') }),
  fc.record({ type: fc.constant('resize' as const), columns: cells, rows: cells }),
  fc.record({ type: fc.constant('exit' as const), code: fc.nat(255) }),
  fc.record({ type: fc.constant('failure' as const), message: fc.string() }),
)

/** The bytes in pieces of these lengths, again and again. */
async function* cut(bytes: Buffer, lengths: number[]): AsyncGenerator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? 1
    yield bytes.subarray(at, at + length)
    at += length
  }
}

const lengths = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 })

describe('frames', () => {
  it('are the same after the wire, however it cuts them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 8 }), lengths, async (frames, pieces) => {
        const bytes = Buffer.concat(frames.map(encodeAttachFrame))
        expect(await Array.fromAsync(decodeFrames(cut(bytes, pieces)))).toEqual(frames)
      }),
    )
  })

  it.each([
    ['of an unknown type', Buffer.from([9, 0, 0, 0, 0])],
    ['of 4 GiB', Buffer.from([0, 255, 255, 255, 255])],
    ['of a terminal without size', Buffer.concat([Buffer.from([2, 0, 0, 0, 3]), Buffer.from('0x0')])],
  ])('%s end the connection', async (_, bytes) => {
    await expect(Array.fromAsync(decodeFrames(cut(bytes, [100])))).rejects.toThrow(/frame|size/)
  })

  it.each(['', '80', '80x', 'x24', '0x24', '80x0', '-1x24', '80x99999', '8e1x24'])('%j is no size', (text) => {
    expect(parseSize(text)).toBeUndefined()
  })
})

describe('the line with the exit status', () => {
  const line = '\uFFFF heroku-command-exit-status: 7\r\n'

  it('comes whole and alone, wherever the output is cut, and nothing is lost', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ maxLength: 80 }),
        fc.string({ maxLength: 80 }),
        lengths,
        async (before, after, pieces) => {
          const bytes = Buffer.from(`${before}${line}${after}`)
          const filter = new ExitStatusLine()
          const parts = []
          for await (const piece of cut(bytes, pieces)) parts.push(...filter.push(piece))
          parts.push(...filter.end())
          expect(Buffer.concat(parts.map((part) => part.bytes)).equals(bytes)).toBe(true)
          expect(parts.filter(({ alone }) => alone).some((part) => part.bytes.toString() === line)).toBe(true)
        },
      ),
    )
  })

  it('is added when the shell ended before it printed it, if its command was to', () => {
    const command = 'exit 7 ; echo "\uFFFF heroku-command-exit-status: $?"'
    expect([printsExitStatus(command), printsExitStatus('exit 7')]).toEqual([true, false])
    const [added] = new ExitStatusLine().end(7)
    expect(added).toEqual({ bytes: Buffer.from(line), alone: true })
    const filter = new ExitStatusLine()
    filter.push(Buffer.from(line))
    expect([filter.end(7), new ExitStatusLine().end()]).toEqual([[], []])
  })
})

describe('a command whose first word is a process type', () => {
  const types = { worker: 'node worker.js', image: null }
  it.each([
    ['worker', 'node worker.js'],
    ['worker ; echo $?', 'node worker.js ; echo $?'],
    ['worker.sh', 'worker.sh'],
    ['echo worker', 'echo worker'],
    ['image', 'image'],
    ['toString', 'toString'],
  ])('%j runs %j', (command, expected) => expect(resolveCommand(command, types)).toBe(expected))
})
