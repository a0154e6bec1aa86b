import type { Command } from 'commander'

/** What may come next, and what it is, in the words of the help. */
export type Candidate = { word: string; about: string }

export type Sources = {
  /** The commands with what they do; of the one that is given also its options. */
  program: (command?: string) => Promise<Command>
  /** The names of the user's apps. */
  apps: () => Promise<string[]>
}

/**
 * What can stand in place of the last of `words`, which are those after `paas` up to the cursor.
 * The last may be the beginning of a word, or empty.
 */
export async function complete(words: string[], sources: Sources): Promise<Candidate[]> {
  const begun = words.at(-1) ?? ''
  const all = await candidates(words, sources)
  return all.filter(({ word }) => word.startsWith(begun) && word !== '')
}

async function candidates(words: string[], { program, apps }: Sources): Promise<Candidate[]> {
  const [command = ''] = words
  const begun = words.at(-1) ?? ''
  const before = words.at(-2)
  if (words.length <= 1 || (command === 'help' && words.length === 2)) return namesOf(await program())
  if (before === '-a' || before === '--app') return appsOf(await apps())
  if (begun.startsWith('--app=')) return appsOf((await apps()).map((name) => `--app=${name}`))
  // What has to be confirmed is nearly always the app's name.
  if (before === '--confirm') return appsOf(await apps())
  if (begun.startsWith('-')) return optionsOf(await program(command), command)
  return []
}

function namesOf(program: Command): Candidate[] {
  return program.commands.map((command) => ({ word: command.name(), about: command.summary() }))
}

function appsOf(names: string[]): Candidate[] {
  return names.map((word) => ({ word, about: 'app' }))
}

function optionsOf(program: Command, name: string): Candidate[] {
  const options = program.commands.find((command) => command.name() === name)?.options ?? []
  return options.flatMap(({ long, description }) => (long ? [{ word: long, about: description }] : []))
}

/** Makes the program of another command line, for the topic that completes such lines. */
export type CreateProgram = (argv: string[]) => Promise<Command>
