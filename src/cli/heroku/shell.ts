import type { ShellVariables } from './environment.ts'

export const shells = ['sh', 'fish'] as const
/** `sh`: also bash, zsh, dash and ksh. */
export type Shell = (typeof shells)[number]

/** The shell of the user, as far as `$SHELL` tells. */
export function usualShell(env: NodeJS.ProcessEnv = process.env): Shell {
  return /(^|\/)fish$/.test(env['SHELL'] ?? '') ? 'fish' : 'sh'
}

/** Lines for the shell to evaluate. */
export function exportLines(environment: ShellVariables, shell: Shell): string[] {
  return Object.entries(environment).map(([name, value]) => {
    if (value === undefined) return shell === 'fish' ? `set -e ${name};` : `unset ${name};`
    return shell === 'fish' ? `set -gx ${name} ${quoteForFish(value)};` : `export ${name}=${quoteForSh(value)};`
  })
}

/** POSIX: nothing is special between single quotes, and none can be there. */
function quoteForSh(text: string): string {
  return /^[\w./:@,+=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** fish: between single quotes a backslash stands before a quote and before itself. */
function quoteForFish(text: string): string {
  return /^[\w./:@,+=-]+$/.test(text) ? text : `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`
}
