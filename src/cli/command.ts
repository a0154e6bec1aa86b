import type { Command } from 'commander'

export type Definition = {
  /** `config:set` */
  name: string
  /** As commander reads them: `<KEY=VALUE...>`, `[name]`. */
  arguments?: string
  /** One line for the list of commands, without a full stop. */
  summary: string
  /** What the help of this command says beyond that: whole sentences. */
  details?: string
  /** Command lines with a word on each where it needs one: `paas logs --tail   # until Ctrl-C`. */
  examples: string[]
}

/** What every command takes. */
export type Options = { json?: true }
/** What a command about one app takes. */
export type AppOptions = Options & { app?: string; remote?: string }

/** Adds a command with the options that all have. */
export function define(program: Command, { name, arguments: args, summary, details, examples }: Definition): Command {
  const sentence = `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`
  return program
    .command(args === undefined ? name : `${name} ${args}`)
    .summary(summary)
    .description(details === undefined ? sentence : `${sentence} ${details}`)
    .option('--json', 'print JSON')
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`)
}

/** Adds a command that is about one app. */
export function defineForApp(program: Command, definition: Definition): Command {
  return define(program, definition)
    .option('-a, --app <name>', 'the app (default: the app of the git remote)')
    .option('-r, --remote <name>', 'the git remote that names the app (default: "paas")')
}
