import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { createProgram } from '../../src/cli/program.ts'

const program = await createProgram()
const names = program.commands.map((command) => command.name())

describe('the commands', () => {
  it('are the ones that docs/cli.md has (--update=all writes it)', async () => {
    await expect(renderReference()).toMatchFileSnapshot('../../docs/cli.md')
  })

  it.each(names)('%s is found without loading all topics, teaches by examples, and takes --json', async (name) => {
    const own = await createProgram([name])
    const command = own.commands.find((one) => one.name() === name)
    expect(own.commands.length).toBeLessThan(names.length)
    expect(command?.summary()).toMatch(/^[^.]{10,60}$/)
    expect(examplesOf(command)).toContain('paas ')
    expect(command?.options.map(({ long }) => long)).toContain('--json')
  })

  it('have names of their own', () => {
    expect(new Set(names).size).toBe(names.length)
  })
})

function renderReference(): string {
  return `${introduction}\n${program.commands.map(renderCommand).join('\n')}`
}

const introduction = `# The \`paas\` command

This page has the texts of \`paas help COMMAND\`; a test keeps it equal to the definitions.

- \`-a NAME\` names the app. The default is the app of the git remote \`paas\`; \`-r NAME\` selects another remote.
- Data goes to stdout, progress to stderr. \`--json\` prints JSON. The exit status is 0, or 1 after a line with the error.
- \`paas login\` stores the login in \`\${XDG_CONFIG_HOME:-~/.config}/paas/credentials.json\`. \`PAAS_URL\` and \`PAAS_TOKEN\`
  override it.
- Commands that cannot be undone require \`--confirm NAME\`; after others, the command prints how to undo them.
`

const everywhere = ['--json', '--app', '--remote']

function renderCommand(command: Command): string {
  const options = command.options.filter(({ long }) => !everywhere.includes(long ?? ''))
  return [
    `## ${command.name()}\n`,
    `    paas ${command.name()} ${command.usage().replace('[options]', '').trim()}`.trimEnd(),
    `\n${wrap(command.description())}\n`,
    ...options.map(({ flags, description }) => `- \`${flags}\`: ${description}`),
    ...(options.length > 0 ? [''] : []),
    `Examples:\n\n${examplesOf(command)}`,
  ].join('\n')
}

function wrap(text: string): string {
  return text.replaceAll(/(.{1,120})(?: |$)/g, '$1\n').trimEnd()
}

/** They are in the part of the help that is added after commander's own. */
function examplesOf(command: Command | undefined): string {
  let help = ''
  command?.configureOutput({ writeOut: (text) => (help += text) }).outputHelp()
  return help.slice(help.indexOf('Examples:\n') + 'Examples:\n'.length).replaceAll('  $ ', '    ')
}
