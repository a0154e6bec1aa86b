import { describe, expect, it } from 'vitest'
import { Answers } from '../../src/build/answers.ts'

function answersOf(...chunks: string[]): { answers: Answers; calls: number } {
  let calls = 0
  const answers = new Answers(() => calls++)
  for (const chunk of chunks) answers.feed(Buffer.from(chunk))
  return { answers, calls }
}

describe('what a build answers', () => {
  it('is the packs, then the process types', () => {
    const { answers, calls } = answersOf('detected nodejs Node.js\ncompiling\nrelease\na: 1\nb: 2\n')
    expect(answers.packs).toEqual([{ pack: 'nodejs', name: 'Node.js' }])
    expect(answers.release).toBe('a: 1\nb: 2\n')
    expect(calls).toBe(1)
  })

  it('does not depend on where chunks end', () => {
    const bytes = Buffer.from('detected python Pythön\ncompiling\nrelease\ndefault_process_types: {web: ü}\n')
    const answers = new Answers(() => undefined)
    for (let offset = 0; offset < bytes.length; offset++) answers.feed(bytes.subarray(offset, offset + 1))
    expect(answers.packs).toEqual([{ pack: 'python', name: 'Pythön' }])
    expect(answers.release).toBe('default_process_types: {web: ü}\n')
  })

  it('is nothing that is not known', () => {
    const { answers } = answersOf('detected ruby Ruby\ndetected nodejs\nhello\n\ncompiling now\n')
    expect(answers.packs).toEqual([])
    expect(answersOf('failed npm ci exited with 1\n').answers.reason).toBe('npm ci exited with 1')
    expect(answersOf('undetected python\n').answers.undetected).toBe('python')
  })

  it('is bounded, whatever comes', () => {
    const { answers } = answersOf('release\n', ...Array.from({ length: 100 }, () => 'x'.repeat(10_000)))
    expect(answers.release.length).toBe(64 * 1024)
  })
})
