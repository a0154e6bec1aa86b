import { describe, expect, it } from 'vitest'
import { parseProcfile } from '../../src/model/procfile.ts'

describe('a Procfile', () => {
  it('gives the command of each process type', () => {
    const text = 'web: node server.js --port $PORT\nworker:bundle exec sidekiq\nrelease:   ./migrate.sh  \n'
    expect(parseProcfile(text)).toEqual({
      web: 'node server.js --port $PORT',
      worker: 'bundle exec sidekiq',
      release: './migrate.sh',
    })
  })

  it('may have comments, blank lines, Windows line ends and a byte order mark', () => {
    expect(parseProcfile('\uFEFF# what runs\r\n\r\nweb: run me\r\n  # more\r\n')).toEqual({ web: 'run me' })
  })

  it('may name a type with digits, dashes and underscores', () => {
    expect(parseProcfile('my_job-2: x')).toEqual({ 'my_job-2': 'x' })
  })

  it.each([
    ['web: a\nworker node worker.js', 'Procfile line 2 is "worker node worker.js"; it must be TYPE: COMMAND'],
    ['web:', 'Procfile line 1 is "web:"; it must be TYPE: COMMAND'],
    ['web:   ', 'Procfile line 1 is "web:   "; it must be TYPE: COMMAND'],
    [' web: x', 'Procfile line 1 is " web: x"; it must be TYPE: COMMAND'],
    ['wéb: x', 'Procfile line 1 is "wéb: x"; it must be TYPE: COMMAND'],
    ['web: a\u001b[2Jb', 'Procfile line 1 is "web: a\\u001b[2Jb"; it must be TYPE: COMMAND'],
    ['web: a\nweb: b', 'Procfile line 2 declares "web" a second time'],
    ['# nothing', 'Procfile declares no process type'],
    ['', 'Procfile declares no process type'],
  ])('that is not one is refused: %j', (text, message) => {
    expect(() => parseProcfile(text)).toThrow(expect.objectContaining({ code: 'procfile_invalid', message }))
  })

  it.each([
    ['a type of 129 characters', `${'x'.repeat(129)}: y`, `line 1 is "${'x'.repeat(60)}…"; it must be TYPE: COMMAND`],
    ['70,000 characters', `web: ${'x'.repeat(70_000)}`, 'is larger than 64 KiB'],
  ])('with %s is refused', (_, text, message) => {
    expect(() => parseProcfile(text)).toThrow(`Procfile ${message}`)
  })

  it('cannot declare a type that is a property of every object', () => {
    const types = parseProcfile('__proto__: x\nconstructor: y\n')
    expect(Object.keys(types)).toEqual(['__proto__', 'constructor'])
    expect(types['toString' as never]).toBeTypeOf('function')
  })
})
