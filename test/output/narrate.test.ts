import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutMark, longestLine } from '../../src/output/line-cutter.ts'
import { createNarrator, mostPackOutput } from '../../src/output/narrate.ts'
import type { ConfigVars } from '../../src/model/release.ts'

/** What is written when the bytes come in these chunks. */
function written(chunks: (Buffer | string)[], config: ConfigVars = {}): string {
  let text = ''
  const output = createNarrator({ write: (part) => (text += part), config })
  for (const chunk of chunks) output.raw(Buffer.from(chunk))
  output.end()
  return text
}

/** Cuts bytes at the places given. */
function chunked(bytes: Buffer, cuts: number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end))
}

describe('build output', () => {
  it('has one form for topics, details and errors', () => {
    let text = ''
    const output = createNarrator({ write: (part) => (text += part), config: {} })
    output.topic('Node.js app detected')
    output.detail('one\ntwo')
    output.error('failed')
    expect(text).toBe('-----> Node.js app detected\n       one\n       two\n !     failed\n')
  })

  it('passes a line on as soon as its newline came, and no earlier', () => {
    const parts: string[] = []
    const output = createNarrator({ write: (part) => parts.push(part), config: {} })
    output.raw(Buffer.from('-----> Inst'))
    expect(parts).toEqual([])
    output.raw(Buffer.from('alling\n       npm'))
    expect(parts).toEqual(['-----> Installing\n'])
    output.end()
    expect(parts).toEqual(['-----> Installing\n', '       npm\n'])
  })

  it('writes what a pack left without newline before the platform speaks', () => {
    let text = ''
    const output = createNarrator({ write: (part) => (text += part), config: {} })
    output.raw(Buffer.from('almost done'))
    output.topic('Exporting')
    expect(text).toBe('almost done\n-----> Exporting\n')
  })

  it.each([
    ['keeps colours', '\u001b[1;31mred\u001b[0m plain\n', '\u001b[1;31mred\u001b[0m plain\n'],
    ['removes cursor movement and erasing', 'a\u001b[2J\u001b[10;10Hb\u001b[Kc\n', 'abc\n'],
    ['removes a title and what it says', '\u001b]0;owned\u0007text\n', 'text\n'],
    ['removes a hyperlink but keeps its text', '\u001b]8;;http://x\u001b\\text\u001b]8;;\u001b\\\n', 'text\n'],
    ['removes an unterminated string with the rest of its line only', 'a\u001b]0;b\nc\n', 'a\nc\n'],
    ['removes device control strings', '\u001bP1$qm\u001b\\text\n', 'text\n'],
    ['removes 8-bit controls', 'a\u009b31mb\u0085c\u009d0;t\u009cd\n', 'abcd\n'],
    ['removes single controls but the tab', 'a\u0000\u0007\u0008\tb\u007f\n', 'a\tb\n'],
    ['does not join an escape that was taken apart', '\u001b\u0007[2Jx\n', '[2Jx\n'],
    ['takes \\r\\n for a newline', 'a\r\nb\r\n', 'a\nb\n'],
    ['shows the last state of a progress bar', ' 1%\r 50%\r100%\n', '100%\n'],
    ['shows what a progress bar erased last', '50%\r100%\r\u001b[K\n', '100%\n'],
    ['keeps empty lines', 'a\n\n\nb\n', 'a\n\n\nb\n'],
    ['turns colours off at the end', '\u001b[32mgreen\n', '\u001b[32mgreen\n\u001b[0m'],
  ])('%s', (_, bytes, expected) => {
    expect(written([bytes])).toBe(expected)
  })

  it('turns a colour off before the platform speaks', () => {
    let text = ''
    const output = createNarrator({ write: (part) => (text += part), config: {} })
    output.raw(Buffer.from('\u001b[31mred\nstill red\n'))
    output.topic('Exporting')
    expect(text).toBe('\u001b[31mred\nstill red\n\u001b[0m-----> Exporting\n')
  })

  it('replaces what is not UTF-8', () => {
    expect(written([Buffer.from([0x61, 0xff, 0xc3, 0x0a])])).toBe('a\ufffd\ufffd\n')
  })

  it('cuts a line that is too long and says so', () => {
    expect(written([`${'x'.repeat(longestLine)}\n`])).toBe(`${'x'.repeat(longestLine)}\n`)
    expect(written([`${'x'.repeat(longestLine + 1)}\nnext\n`])).toBe(`${'x'.repeat(longestLine)}${cutMark}\nnext\n`)
  })

  it('holds no more of an endless line than it can show', () => {
    const before = process.memoryUsage().rss
    const chunk = Buffer.alloc(2 ** 20, 'x')
    const text = written(Array.from({ length: 256 }, () => chunk))
    expect(text).toBe(`${'x'.repeat(longestLine)}${cutMark}\n`)
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20)
  })

  it('cuts the output of packs at 16 MiB, says so once, and still shows what the platform says', () => {
    let text = ''
    const output = createNarrator({ write: (part) => (text += part), config: {} })
    const block = Buffer.from(`${'x'.repeat(1023)}\n`.repeat(1024))
    for (let mebibytes = 0; mebibytes < 40; mebibytes++) output.raw(block)
    output.topic('Exporting')
    expect(text.length).toBeLessThan(mostPackOutput + 2 * block.length)
    expect(text).toMatch(/x\n !     The output is cut at 16 MiB\. The build continues\.\n-----> Exporting\n$/)
  })
})

describe('secrets in build output', () => {
  const config = {
    API_KEY: 'sk_live_1234567890',
    DATABASE_URL: 'postgres://shop:p%40ssw0rd!@db.internal:5432/shop',
    CERT: '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n',
    NODE_ENV: 'production',
    PROJECT_PATH: 'apps/server',
    DEBUG: '*',
  }

  it.each([
    ['a value', 'key=sk_live_1234567890.', 'key=[secret].'],
    ['a value several times', 'sk_live_1234567890sk_live_1234567890', '[secret][secret]'],
    ['each line of a value', 'hkiG9w0BAQEFAASC', '[secret]'],
    ['the password of a URL', 'password is p%40ssw0rd!', 'password is [secret]'],
    ['the decoded password of a URL', 'password is p@ssw0rd!', 'password is [secret]'],
    ['a value percent-encoded', encodeURIComponent(config.DATABASE_URL), '[secret]'],
    ['a value taken apart by controls', 'sk_live\u0000_1234\u001b[K567890', '[secret]'],
  ])('%s is masked', (_, line, expected) => {
    expect(written([`${line}\n`], config)).toBe(`${expected}\n`)
  })

  it('leaves short values and plain settings readable', () => {
    const line = 'building apps/server for production * \n'
    expect(written([line], config)).toBe(line)
  })

  it.each([
    ['leaves where a server is readable, such as the app itself', 'https://shop.example.com', '[same]'],
    ['leaves it with a port', 'http://shop.localhost:8080/', '[same]'],
    ['masks an address with a path', 'https://hooks.example.com/T0123/B4567', '[secret]'],
    ['masks an address with a key', 'https://example.com?key=1', '[secret]'],
    ['masks an address with a login', 'https://key@example.com', '[secret]'],
  ])('%s', (_, value, shown) => {
    expect(written([`${value}\n`], { URL: value })).toBe(`${shown === '[same]' ? value : shown}\n`)
  })

  it('masks what the platform says as well', () => {
    let text = ''
    const output = createNarrator({ write: (part) => (text += part), config })
    output.error('npm exited because of sk_live_1234567890')
    expect(text).toBe(' !     npm exited because of [secret]\n')
  })

  it('never shows the beginning of a secret that straddles the cut of a long line', () => {
    for (let offset = 0; offset <= config.API_KEY.length; offset++) {
      const line = `${'x'.repeat(longestLine - offset)}${config.API_KEY}${'y'.repeat(9000)}\n`
      expect(written([line], config)).not.toContain('sk')
    }
  })
})

describe('build output, whatever comes', () => {
  const pieces = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\r', '\n', '\r\n', '\u001b', '\u001b[', '\u001b]', '31m', '\u009b', '\u0007', '\u001b\\', '2J'),
    fc.constantFrom('s3cr3t-value', 's3cr3t', '-value', '[31mx', '€', '😀'),
    fc.constantFrom('x'.repeat(4090), 'y'.repeat(9000)),
  )
  const bytes = fc.oneof(
    fc.array(pieces, { maxLength: 40 }).map((parts) => Buffer.from(parts.join(''))),
    fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
  )
  const config = { A: 's3cr3t-value', B: '[31mx s3cr3t' }

  it('does not depend on where chunks end', () => {
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(), { maxLength: 20 }), (input, cuts) => {
        expect(written(chunked(input, cuts), config)).toBe(written([input], config))
      }),
      { numRuns: 2000 },
    )
  })

  it('holds no control but newline, tab and colours, no secret, and no line beyond the limit', () => {
    fc.assert(
      fc.property(bytes, (input) => {
        const text = written([input], config)
        // oxlint-disable-next-line no-control-regex
        expect(text.replace(/\u001b\[[0-9;:]*m/g, '')).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
        expect(text).not.toContain('s3cr3t-value')
        expect(text.isWellFormed()).toBe(true)
        for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(longestLine + cutMark.length)
      }),
      { numRuns: 2000 },
    )
  })
})
