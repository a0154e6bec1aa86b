import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { Answers } from '../../src/build/answers.ts'

const url = 'https://example.com/pack.git#v1'

function answersOf(...chunks: string[]) {
  const calls: string[] = []
  const reported: string[] = []
  const parts: unknown[] = []
  const on = {
    compiling: () => calls.push('compiling'),
    reported: (line: string) => reported.push(line),
    part: (tree: unknown, part: number) => parts.push([part, tree]),
    done: () => calls.push('slug'),
  }
  const answers = new Answers(['nodejs', url, 'python'], on)
  for (const chunk of chunks) void answers.feed(Buffer.from(chunk))
  return { answers, calls, reported, parts }
}

describe('what a build answers', () => {
  it('is the packs, then the process types, then the slug', async () => {
    const said = 'detected nodejs Node.js\ncompiling\nrelease 10\na: 1\nb: 2\n\nslug\nthe\nslug'
    const { answers, calls } = answersOf(said)
    answers.end()
    expect(answers.packs).toEqual([{ pack: 'nodejs', name: 'Node.js' }])
    expect(answers.release).toBe('a: 1\nb: 2\n')
    expect(await text(answers.slug)).toBe('the\nslug')
    expect(calls).toEqual(['compiling', 'slug'])
  })

  it('is how long a slug can be, if it says so in a number that can be one', async () => {
    const { answers } = answersOf('slug 1024\nthe slug')
    answers.end()
    expect(answers.slugBytes).toBe(1024)
    expect(await text(answers.slug)).toBe('the slug')
    for (const said of ['', ' ', ' x', ' -1', ' 1e9', ` ${'9'.repeat(13)}`])
      expect(answersOf(`slug${said}\n`).answers.slugBytes).toBeUndefined()
  })

  it('does not depend on where chunks end', async () => {
    const yaml = 'default_process_types: {web: ü}'
    const said = `detected python Pythön\ncompiling\nrelease ${Buffer.byteLength(yaml)}\n${yaml}\nslug\n\0\nü`
    const { answers } = answersOf()
    for (const byte of Buffer.from(said)) void answers.feed(Buffer.of(byte))
    answers.end()
    expect(answers.packs).toEqual([{ pack: 'python', name: 'Pythön' }])
    expect(answers.release).toBe(yaml)
    expect(await text(answers.slug)).toBe('\0\nü')
  })

  it('is nothing that is not known', () => {
    const { answers } = answersOf('detected ruby Ruby\ndetected nodejs\nhello\n\ncompiling now\nrelease x\n')
    expect(answers).toMatchObject({ packs: [], release: '' })
    expect(answersOf('failed ruby gone\nunusable ruby gone\n').answers).toMatchObject({
      failed: undefined,
      unusable: undefined,
    })
    expect(answersOf('undetected python\n').answers.undetected).toBe('python')
  })

  it('is what is wrong with one pack', () => {
    const failed = { pack: 'nodejs', text: 'npm ci exited with 1' }
    expect(answersOf('failed nodejs npm ci exited with 1\n').answers.failed).toEqual(failed)
    expect(answersOf(`stack ${url} heroku-24\n`).answers.stack).toEqual({ pack: url, text: 'heroku-24' })
    expect(answersOf(`failed ${url}\n`).answers.failed).toEqual({ pack: url, text: '' })
    expect(answersOf(`unusable ${url} has no bin/detect\n`).answers.unusable).toMatchObject({ pack: url })
  })

  it('is bounded, whatever comes', () => {
    const { answers } = answersOf('release 9999999\n', ...Array.from({ length: 100 }, () => 'x'.repeat(10_000)))
    expect(answers.release.length).toBe(64 * 1024)
    const many = answersOf(...Array.from({ length: 100 }, () => 'detected nodejs Node.js\n'))
    expect(many.answers.packs.length).toBe(3)
    const talkative = answersOf(...Array.from({ length: 100 }, () => 'reported nodejs npm: 11\n'))
    expect(talkative.reported).toEqual(Array.from({ length: 50 }, () => 'npm: 11'))
  })
})

describe('a tree', () => {
  const id = 'ab'.repeat(32)

  it('is named before the slug, wherever chunks end, and once', async () => {
    const { answers, calls } = answersOf()
    const said = `tree ${id} 2 node_modules\ntree ${'cd'.repeat(32)} 1 vendor\nslug\nslug`
    for (const byte of Buffer.from(said)) void answers.feed(Buffer.of(byte))
    answers.end()
    expect(answers.tree).toEqual({ path: 'node_modules', id, parts: 2 })
    expect(await text(answers.slug)).toBe('slug')
    expect(calls).toEqual(['slug', 'slug', 'slug'])
  })

  it('is told of part by part, until all of it is there', () => {
    const { parts, calls } = answersOf(
      `part ${id} 1 2 node_modules\npart ${id} 2 2 node_modules\npart ${id} 1 2 /etc\npart ${id} x 2 node_modules\n`,
      `tree ${id} 2 node_modules\npart ${id} 3 3 node_modules\n`,
    )
    const tree = { path: 'node_modules', id, parts: 2 }
    expect(parts).toEqual([
      [1, tree],
      [2, tree],
    ])
    expect(calls).toEqual(['slug'])
  })

  it('that only builds need is named as such', async () => {
    const { answers } = answersOf(`spare ${id} node_modules\nslug\nslug`)
    answers.end()
    expect(answers).toMatchObject({ spare: { path: 'node_modules', id }, tree: undefined })
    expect(await text(answers.slug)).toBe('slug')
    expect(answersOf(`spare ${id} ../x\n`).answers.spare).toBeUndefined()
  })

  it.each([
    `${id} 1 .`,
    `${id} 1 ../node_modules`,
    `${id} 1 /etc`,
    id,
    `${id} 0 node_modules`,
    `${id} 99 vendor`,
    'x 1 vendor',
  ])('is none as a stranger may have it: %s', (said) => {
    expect(answersOf(`tree ${said}\n`).answers.tree).toBeUndefined()
  })
})

describe('a slug', () => {
  it('is taken as fast as it is read, and no faster', async () => {
    const { answers } = answersOf('slug\n')
    const given = answers.feed(Buffer.alloc(2 ** 21))
    expect(given).toBeInstanceOf(Promise)
    answers.slug.resume()
    await given
  })

  it('that nobody wants any more is taken all the same', async () => {
    const { answers } = answersOf('slug\n')
    const given = answers.feed(Buffer.alloc(2 ** 21))
    answers.slug.destroy()
    await given
    expect(answers.feed(Buffer.alloc(2 ** 21))).toBeUndefined()
  })

  it('fails with what ended it', async () => {
    const { answers } = answersOf('slug\nhalf')
    answers.end(new Error('the sandbox is gone'))
    await expect(text(answers.slug)).rejects.toThrow('the sandbox is gone')
  })
})
