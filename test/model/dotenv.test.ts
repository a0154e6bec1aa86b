import { describe, expect, it } from 'vitest'
import { parseDotenv } from '../../src/model/dotenv.ts'

describe('a .env file', () => {
  it.each([
    ['A=1\nB=two words\n', { A: '1', B: 'two words' }],
    ['# comment\n\n  export A=1 # why\r\nB=a#b\n', { A: '1', B: 'a#b' }],
    ['A=\'it is # this\'\nB="line\\nbreak \\"q\\" \\$HOME \\d"', { A: 'it is # this', B: 'line\nbreak "q" $HOME \\d' }],
    ['KEY="-----BEGIN\nabc\n-----END"\nNEXT=1', { KEY: '-----BEGIN\nabc\n-----END', NEXT: '1' }],
    ['EMPTY=\nQUOTED=""\nSPACED = x\n', { EMPTY: '', QUOTED: '', SPACED: 'x' }],
    ['URL=postgres://u:p@h/db?a=b\n', { URL: 'postgres://u:p@h/db?a=b' }],
    ['A=1\nA=2', { A: '2' }],
    ['', {}],
  ])('%j is read', (text, vars) => {
    expect(parseDotenv(text)).toEqual({ vars, wrongLine: undefined })
  })

  it.each([
    ['A=1\nnonsense\n', 2],
    ['A="open\nB=1', 1],
    ["A=1\n\nB='x' y", 3],
  ])('%j has a wrong line %i', (text, wrongLine) => {
    expect(parseDotenv(text).wrongLine).toBe(wrongLine)
  })

  it('is read in time that grows with its length alone', () => {
    const begun = performance.now()
    parseDotenv(`A="${'\\'.repeat(200_000)}`)
    parseDotenv(`${' '.repeat(200_000)}x`)
    parseDotenv(`A=${' #'.repeat(100_000)}`)
    expect(performance.now() - begun).toBeLessThan(2000)
  })
})
