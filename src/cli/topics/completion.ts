import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { define, type Options } from '../command.ts'
import { complete, type CreateProgram } from '../completion/words.ts'
import { print } from '../output.ts'
import type { AppJson } from '../resources/apps.ts'
import { connect } from '../session.ts'

/** How long somebody who has pressed Tab waits for the server, milliseconds. */
const patience = 2000

export function defineCompletion(program: Command, createProgram: CreateProgram): void {
  define(program, {
    name: 'completion',
    arguments: '<shell>',
    summary: 'print the shell completion script',
    details:
      'For bash, zsh and fish. Evaluate it when the shell starts; Tab then completes commands, options and apps.',
    examples: [
      `echo 'eval "$(paas completion bash)"' >> ~/.bashrc`,
      `echo 'eval "$(paas completion zsh)"' >> ~/.zshrc`,
      'paas completion fish > ~/.config/fish/completions/paas.fish',
    ],
  }).action((shell: string, options: Options) => {
    if (!/^(bash|zsh|fish)$/.test(shell)) throw new PaasError('usage', `"${shell}" is not bash, zsh or fish.`)
    const script = readFileSync(new URL(`../completion/paas.${shell}`, import.meta.url), 'utf8').trimEnd()
    print(options, { shell, script }, () => script)
  })

  define(program, {
    name: 'completion:words',
    arguments: '[words...]',
    summary: 'print completions; the shell runs it',
    details: 'Reads the words up to the cursor, and prints a line for each completion of the last one.',
    examples: ['paas completion:words -- config:s'],
  }).action(async (words: string[], options: Options) => {
    const found = await complete(words, { program: (command) => createProgram(command ? [command] : []), apps })
    print(options, found, (all) => all.map(({ word, about }) => `${word}\t${about}`))
  })
}

/** Completion prints no errors: without a server it offers no names. */
async function apps(): Promise<string[]> {
  const late = setTimeout(() => process.exit(0), patience)
  try {
    return (await connect().get<AppJson[]>('/apps')).map(({ name }) => name)
  } catch (cause) {
    if (cause instanceof PaasError) return []
    throw cause
  } finally {
    clearTimeout(late)
  }
}
