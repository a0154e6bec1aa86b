import { delimiter, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { complete, type Sources } from '../../src/cli/completion/words.ts'
import { createProgram } from '../../src/cli/program.ts'
import { TestTerminal, typeAt } from './terminal.ts'

const checkout = resolve(import.meta.dirname, '../..')

const sources: Sources = {
  program: (command) => createProgram(command === undefined ? [] : [command]),
  apps: async () => ['acme', 'acme-staging', 'other'],
}

describe('what may come next', () => {
  it.each([
    [['config:s'], ['config:set']],
    [['ps:r'], ['ps:restart']],
    [['help', 'rollb'], ['rollback']],
    [
      ['info', '-a', 'ac'],
      ['acme', 'acme-staging'],
    ],
    [['info', '--app', 'o'], ['other']],
    [['info', '--app=o'], ['--app=other']],
    [['destroy', '-a', 'other', '--confirm', 'o'], ['other']],
    [['config:set', '--no-'], ['--no-wait']],
    [['nothing:like-this', '--'], []],
    [['config:get', 'KEY'], []],
  ])('after paas %j is %j', async (words, expected) => {
    expect((await complete(words, sources)).map(({ word }) => word)).toEqual(expected)
  })

  it('has with each command what it does', async () => {
    expect(await complete(['config:s'], sources)).toEqual([{ word: 'config:set', about: 'set config vars' }])
    expect(await complete([''], sources)).not.toEqual([])
  })
})

describe('Tab', () => {
  let terminal: TestTerminal
  beforeAll(async () => {
    terminal = await TestTerminal.start()
    await terminal.succeed(['create', 'acme'])
    await terminal.succeed(['config:set', 'GREETING=found by tabs', '-a', 'acme', '--no-wait'])
  })
  afterAll(() => terminal[Symbol.asyncDispose]())

  const setUp = 'eval "$(paas completion SHELL)"'
  it.each([
    ['bash', ['bash', '--norc', '-i'], setUp],
    ['zsh', ['zsh', '-f', '-i'], setUp],
    ['fish', ['fish', '--no-config', '-i'], 'paas completion SHELL | source'],
  ])('completes commands and apps in %s', async (shell, argv, line) => {
    const typed = `${line.replace('SHELL', shell)}; echo read''y\r`
    const PATH = [resolve(checkout, 'bin'), process.env['PATH']].join(delimiter)
    const env = { ...terminal.env, PATH, TERM: 'xterm', PS1: '> ' }
    const shown = await typeAt(argv.join(' '), { env, cwd: terminal.home }, [
      { when: /./, type: typed },
      { when: /^ready/m, type: 'paas config:g\tGREETING -a ac\t\r' },
      { when: /^found by tabs/m, type: 'exit\r' },
    ])
    expect(shown).toMatch(/^found by tabs/m)
  })
})
