import { describe, expect, it } from 'vitest'
import { Answers } from '../../src/build/answers.ts'

const url = 'https://example.com/pack.git#v1'

function answersOf(...chunks: string[]): { answers: Answers; calls: number } {
  let calls = 0
  const answers = new Answers(['nodejs', url, 'python'], () => calls++)
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
    const answers = new Answers(['python'], () => undefined)
    for (let offset = 0; offset < bytes.length; offset++) answers.feed(bytes.subarray(offset, offset + 1))
    expect(answers.packs).toEqual([{ pack: 'python', name: 'Pythön' }])
    expect(answers.release).toBe('default_process_types: {web: ü}\n')
  })

  it('is nothing that is not known', () => {
    const { answers } = answersOf('detected ruby Ruby\ndetected nodejs\nhello\n\ncompiling now\n')
    expect(answers.packs).toEqual([])
    expect(answersOf('failed ruby gone\nunusable ruby gone\n').answers).toMatchObject({
      failed: undefined,
      unusable: undefined,
    })
    expect(answersOf('undetected python\n').answers.undetected).toBe('python')
  })

  it('is what is wrong with one pack', () => {
    const failed = { pack: 'nodejs', text: 'npm ci exited with 1' }
    expect(answersOf('failed nodejs npm ci exited with 1\n').answers.failed).toEqual(failed)
    expect(answersOf(`failed ${url}\n`).answers.failed).toEqual({ pack: url, text: '' })
    expect(answersOf(`unusable ${url} has no bin/detect\n`).answers.unusable).toMatchObject({ pack: url })
  })

  it('is bounded, whatever comes', () => {
    const { answers } = answersOf('release\n', ...Array.from({ length: 100 }, () => 'x'.repeat(10_000)))
    expect(answers.release.length).toBe(64 * 1024)
    const many = answersOf(...Array.from({ length: 100 }, () => 'detected nodejs Node.js\n'))
    expect(many.answers.packs.length).toBe(3)
  })
})
