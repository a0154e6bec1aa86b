import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { explainRejection } from '../../src/git/explain-rejection.ts'
import { flush, packet, PacketParser } from '../../src/git/pkt-line.ts'
import { ReportRewriter } from '../../src/git/report-rewriter.ts'

const band = (number: number, payload: string | Buffer): Buffer =>
  packet(Buffer.concat([Buffer.from([number]), Buffer.from(payload)]))

const explain = explainRejection({ packBytes: 2 ** 20 })

/** What the rewriter makes of an answer that comes in pieces of `size` bytes. */
async function rewritten(answer: Buffer, size: number): Promise<Buffer> {
  const rewriter = new ReportRewriter(explain)
  for (let start = 0; start < answer.length; start += size) rewriter.write(answer.subarray(start, start + size))
  rewriter.end()
  return buffer(rewriter)
}

/** The text of one band, keep-alives and the packets' borders left out. */
function bandOf(answer: Buffer, number: number): Buffer {
  const parser = new PacketParser()
  parser.push(answer)
  const parts: Buffer[] = []
  for (let next = parser.next(); next !== undefined; next = parser.next()) {
    if (next?.[0] === number) parts.push(next.subarray(1))
  }
  return Buffer.concat(parts)
}

describe('the answer to a push', () => {
  const report = Buffer.concat([
    packet('unpack index-pack abnormal exit\n'),
    packet('ng refs/heads/main unpacker error\n'),
    packet('ng refs/heads/other something else\n'),
    flush,
  ])
  const said = 'fatal: pack exceeds maximum allowed size (1.00 MiB)\n'
  const cut = [report.subarray(0, 30), report.subarray(30, 31), report.subarray(31)]
  const answer = Buffer.concat([band(2, said), band(1, ''), ...cut.map((part) => band(1, part)), flush])

  it.each([1, 3, 7, 64, 10_000])('is told in words of ours, however it is cut (%i bytes)', async (size) => {
    const told = await rewritten(answer, size)
    const parser = new PacketParser()
    parser.push(bandOf(told, 1))
    const lines = [parser.next(), parser.next(), parser.next(), parser.next()].map((line) => line && line.toString())
    const why = 'the push has more than 1 MiB, the limit; remove large files from its history'
    expect(lines).toEqual([
      `unpack ${why}\n`,
      `ng refs/heads/main ${why}\n`,
      'ng refs/heads/other something else\n',
      null,
    ])
    expect(bandOf(told, 2).toString()).toBe(said)
    expect(told.includes('0005\u0001')).toBe(true)
    expect(told.subarray(-4)).toEqual(flush)
  })

  it('says of each ref what its first line says of all', async () => {
    const lines = ['unpack unable to create temporary object directory\n', 'ng refs/heads/main unpacker error\n']
    const told = await rewritten(band(1, Buffer.concat([...lines.map((line) => packet(line)), flush])), 100)
    expect(told.toString()).toMatch(/ng refs\/heads\/main the disk of the server is full/)
  })

  it('is not passed on when it is none', async () => {
    await expect(rewritten(Buffer.from('HTTP/1.1 what'), 100)).rejects.toThrow('no packet begins with "HTTP"')
  })
})

describe('a reason of git’s', () => {
  it.each([
    ['shallow update not allowed', '', /git fetch --unshallow/],
    ['unpacker error', 'fatal: write error: No space left on device', /disk of the server is full/],
    ['unpacker error', 'fatal: write error: Read-only file system', /disk of the server is full or read-only/],
    ['unable to create temporary object directory', '', /disk of the server is full/],
    [
      'unpacker error',
      'error: object 1234567890: treeNotSorted: not properly sorted',
      /broken object 1234567: treeNotSorted: not properly sorted/,
    ],
    ['index-pack abnormal exit', 'fatal: early EOF', /broken or incomplete/],
    ['unpacker error', 'fatal: Out of memory, malloc failed', /needs more memory/],
    ['missing necessary objects', '', /git fsck/],
  ])('%s (%s) becomes what to do', (reason, said, expected) => {
    expect(explain(reason, said)).toMatch(expected)
  })

  it('that is not known stays as it is', () => {
    expect(explain('hook declined', '')).toBeUndefined()
  })
})
