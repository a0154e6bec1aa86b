import { describe, expect, it } from 'vitest'
import { parseFields } from '../../../src/router/http/fields.ts'
import { KnownLines } from '../../../src/router/http/known-lines.ts'

const read = (head: string) => parseFields(head, 0)

describe('lines that are read again', () => {
  it('are what they were, in any head and at any place', () => {
    for (let i = 0; i < 50; i++) {
      const before = `X-Count: ${i}\r\n`.repeat(i % 3)
      const fields = read(`${before}Accept:  text/html \r\nHOST: app.test\r\n`)!
      expect(fields.slice(i % 3)).toEqual([
        { key: 'accept', value: 'text/html', line: 'Accept:  text/html \r\n' },
        { key: 'host', value: 'app.test', line: 'HOST: app.test\r\n' },
      ])
    }
  })

  it('make no malformed line valid', () => {
    for (let i = 0; i < 50; i++) expect(read('Accept: text/html\r\n')).toHaveLength(1)
    for (const malformed of [
      'Accept: text/html\n',
      ' Accept: text/html\r\n',
      'Accept: text/\0tml\r\n',
      'Accept: text/html\r',
    ])
      expect(read(malformed)).toBeUndefined()
  })

  it('of secrets are not kept, and no long ones', () => {
    const lines = new KnownLines()
    const long = `X-Long: ${'a'.repeat(300)}\r\n`
    for (const line of ['Cookie: a=b\r\n', 'Authorization: Basic eA==\r\n', long]) {
      const key = line.slice(0, line.indexOf(':')).toLowerCase()
      for (let i = 0; i < 20; i++) lines.add({ key, value: '', line })
      expect(lines.at(line, 0)).toBeUndefined()
    }
    for (let i = 0; i < 20; i++) lines.add({ key: 'accept', value: '*/*', line: 'Accept: */*\r\n' })
    expect(lines.at('Accept: */*\r\n', 0)).toEqual({ key: 'accept', value: '*/*', line: 'Accept: */*\r\n' })
    expect(lines.at('Accept: */x\r\n', 0)).toBeUndefined()
  })
})
