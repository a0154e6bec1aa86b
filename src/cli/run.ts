import { readFileSync } from 'node:fs'
import { CommanderError, type Command } from 'commander'
import { PaasError } from '../errors.ts'
import { Exit } from './exit.ts'
import { insteadOf } from './other-names.ts'
import { createProgram } from './program.ts'

/**
 * Runs one command line. Returns the exit status: 0, that of what it ran, or 1 after one line on
 * stderr that says what is wrong.
 */
export async function runCommandLine(commandLine: string[]): Promise<number> {
  endWithOutput()
  const argv = commandLine.length === 0 ? ['help'] : commandLine
  try {
    if (argv[0] === '--version' || argv[0] === '-V') return printVersion()
    const program = await createProgram(argv)
    await program.parseAsync(knownOrAlone(argv, program), { from: 'user' })
    return 0
  } catch (cause) {
    return report(cause)
  }
}

/**
 * The command line; of one whose command there is not, that word alone: commander refuses it and
 * names what is spelled like it, where `help nonsense` and `nonsense --help` would show the general
 * help.
 * @throws usage for a word that means something else here
 */
function knownOrAlone(argv: string[], program: Command): string[] {
  const [name = ''] = argv[0] === 'help' ? argv.slice(1) : argv
  if (/^(-.*|help|)$/.test(name) || program.commands.some((command) => command.name() === name)) return argv
  const instead = insteadOf(name)
  if (instead === undefined) return [name]
  throw new PaasError('usage', `There is no command "${name}".`, { hint: instead })
}

function printVersion(): number {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const version = typeof manifest === 'object' && manifest && 'version' in manifest ? manifest.version : 'unknown'
  process.stdout.write(`paas ${String(version)}\n`)
  return 0
}

function report(cause: unknown): number {
  if (cause instanceof Exit) return cause.status
  if (cause instanceof CommanderError) {
    if (cause.exitCode === 0 || cause.code === 'commander.help') return 0
    const message = cause.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ')
    complain(`${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.)?]$/.test(message) ? '' : '.'} See: paas help`)
  } else if (cause instanceof PaasError) {
    complain([cause.message, cause.hint].filter(Boolean).join(' '))
  } else {
    complain(
      `The command failed unexpectedly: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`,
    )
  }
  return 1
}

function complain(line: string): void {
  process.stderr.write(` !    ${line}\n`)
}

/** `paas logs | head` is no failure; a full disk is one. */
function endWithOutput(): void {
  process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EPIPE') complain(`The output cannot be written: ${cause.message}.`)
    process.exit(cause.code === 'EPIPE' ? 0 : 1)
  })
}
